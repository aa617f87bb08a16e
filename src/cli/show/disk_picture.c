/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "disk_picture.h"

#include <inttypes.h>
#include <string.h>

#include "escape.h"
#include "human.h"

enum {
  SQUARES = VMF_PICTURE_COLUMNS * VMF_PICTURE_ROWS,
  SECTOR = 512,
  /* pixels */
  STEP = 14,
  SIDE = 12,
  LEFT = 90,
  TOP = 64,
  LABEL_EVERY = 4 /* rows */
};

const char vmf_picture_mark[] = "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"vmferry-map\"";

/* The classes are the kinds, in their order; what one sees is told in the legend. */
static const char *const classes[] = {"d", "c", "p", "z", "n"};
static const char *const meanings[] = {"data", "compressed data", "data of a parent", "zeros",
                                       "nothing stored"};

static const char style[] =
    "<style>text { font: 12px system-ui, sans-serif; fill: #333 } .title { font-size: 16px; "
    "font-weight: 600 } .right { text-anchor: end } .paper { fill: #fff } .d { fill: #2563eb } "
    ".c { fill: #7c3aed } .p { fill: #d97706 } .z { fill: #94a3b8 } .n { fill: #e5e7eb }\n"
    "@media (prefers-color-scheme: dark) { text { fill: #ddd } .paper { fill: #16181d } "
    ".n { fill: #2b2f38 } .d { fill: #5b8def } .c { fill: #a78bfa } .p { fill: #f0a63c } }\n"
    "</style>\n";

void vmf_picture_begin(struct vmf_picture *picture, struct vmf_image *image, uint64_t start,
                       uint64_t end)
{
  uint64_t length = end - start, square = length / SQUARES + (length % SQUARES != 0);

  memset(picture, 0, sizeof *picture);
  picture->name = vmf_image_path(image);
  picture->format = vmf_image_format(image);
  picture->start = start;
  picture->end = end;
  picture->square = (square + SECTOR - 1) / SECTOR * SECTOR;
}

static enum vmf_picture_kind kind_of(const struct vmf_extent *extent)
{
  if (extent->data && !extent->zero && extent->depth > 0)
    return VMF_PICTURE_PARENT;
  if (extent->data && !extent->zero)
    return extent->packed ? VMF_PICTURE_PACKED : VMF_PICTURE_DATA;
  return extent->present ? VMF_PICTURE_ZERO : VMF_PICTURE_NOTHING;
}

void vmf_picture_add(struct vmf_picture *picture, const struct vmf_extent *extent)
{
  enum vmf_picture_kind kind = kind_of(extent);
  uint64_t at = extent->guest, end = extent->guest + extent->length;

  at = at < picture->start ? picture->start : at;
  end = end > picture->end ? picture->end : end;
  while (at < end) {
    uint64_t index = (at - picture->start) / picture->square;
    uint64_t next = picture->start + (index + 1) * picture->square;

    next = next > end ? end : next;
    picture->bytes[index][kind] += next - at;
    at = next;
  }
}

/* ---- drawing ---- */

/* What is most of what is stored: a square that holds a little of something shows it. */
static enum vmf_picture_kind strongest(const uint64_t bytes[VMF_PICTURE_KINDS])
{
  enum vmf_picture_kind found = VMF_PICTURE_NOTHING;

  for (int kind = VMF_PICTURE_DATA; kind < VMF_PICTURE_ZERO; kind++)
    if (bytes[kind] > 0 && (found == VMF_PICTURE_NOTHING || bytes[kind] > bytes[found]))
      found = (enum vmf_picture_kind)kind;
  return found == VMF_PICTURE_NOTHING && bytes[VMF_PICTURE_ZERO] > 0 ? VMF_PICTURE_ZERO : found;
}

static void print_square(FILE *out, const struct vmf_picture *picture, unsigned index)
{
  const uint64_t *bytes = picture->bytes[index];
  enum vmf_picture_kind kind = strongest(bytes);
  uint64_t at = picture->start + index * picture->square, length = picture->end - at;
  char text[16];

  length = length > picture->square ? picture->square : length;
  double share = kind == VMF_PICTURE_NOTHING ? 1 : (double)bytes[kind] / (double)length;
  fprintf(out, "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%d\" height=\"%d\"", classes[kind],
          LEFT + index % VMF_PICTURE_COLUMNS * STEP, TOP + index / VMF_PICTURE_COLUMNS * STEP, SIDE,
          SIDE);
  if (share < 0.995)
    fprintf(out, " opacity=\"0.%02u\"", (unsigned)(30 + 69 * share));
  vmf_human_size(at, text);
  fprintf(out, "><title>at %s", text);
  for (int each = 0; each < VMF_PICTURE_KINDS; each++)
    if (bytes[each] > 0)
      fprintf(out, ", %.0f %% %s", 100 * (double)bytes[each] / (double)length, meanings[each]);
  fputs("</title></rect>\n", out);
}

static void print_legend(FILE *out, const struct vmf_picture *picture, unsigned rows)
{
  unsigned x = LEFT, y = TOP + rows * STEP + 24;
  char text[16];

  for (int kind = 0; kind < VMF_PICTURE_KINDS; kind++) {
    uint64_t sum = 0;

    for (unsigned i = 0; i < SQUARES; i++)
      sum += picture->bytes[i][kind];
    if (sum == 0)
      continue;
    vmf_human_size(sum, text);
    fprintf(out,
            "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%d\" height=\"%d\"/><text x=\"%u\" "
            "y=\"%u\">%s: %s</text>\n",
            classes[kind], x, y - 10, SIDE, SIDE, x + STEP + 4, y, meanings[kind], text);
    x += 180;
  }
}

void vmf_picture_write(FILE *out, const void *data)
{
  const struct vmf_picture *picture = data;
  uint64_t length = picture->end - picture->start;
  unsigned squares = (unsigned)(length / picture->square + (length % picture->square != 0));
  unsigned rows = (squares + VMF_PICTURE_COLUMNS - 1) / VMF_PICTURE_COLUMNS;
  unsigned width = LEFT + VMF_PICTURE_COLUMNS * STEP + 16, height = TOP + rows * STEP + 48;
  char size[16], square[16], offset[16];

  vmf_human_size(length, size);
  vmf_human_size(picture->square, square);
  fprintf(out, "%s width=\"%u\" height=\"%u\" viewBox=\"0 0 %u %u\">\n%s", vmf_picture_mark, width,
          height, width, height, style);
  fprintf(out, "<rect class=\"paper\" width=\"%u\" height=\"%u\"/>\n", width, height);
  fprintf(out, "<text class=\"title\" x=\"%d\" y=\"26\">", LEFT);
  vmf_escape_markup(out, picture->name);
  fprintf(out, "</text>\n<text x=\"%d\" y=\"46\">%s, %s; a square is %s</text>\n", LEFT,
          picture->format, size, square);
  for (unsigned row = 0; row < rows; row += LABEL_EVERY) {
    vmf_human_size(picture->start + (uint64_t)row * VMF_PICTURE_COLUMNS * picture->square, offset);
    fprintf(out, "<text class=\"right\" x=\"%d\" y=\"%u\">%s</text>\n", LEFT - 8,
            TOP + row * STEP + SIDE - 2, offset);
  }
  for (unsigned i = 0; i < squares; i++)
    print_square(out, picture, i);
  print_legend(out, picture, rows);
  fputs("</svg>\n", out);
}
