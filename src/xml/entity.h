/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * How a character is written so that a parser reads it back: XML 1.0, 2.4, 2.11 and 3.3.3. */
#ifndef VMF_XML_ENTITY_H
#define VMF_XML_ENTITY_H

/* In an attribute's value between `quote`s ('"' or '\''), or in text (0). NULL: as it is. */
const char *vmf_xml_entity(char c, char quote);

#endif
