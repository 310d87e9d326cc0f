// The words of each rendition, read from its bytes, for tests that compare them.
#pragma once

#include <gtest/gtest.h>
#include <zip.h>

#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <string>

#include "libs/base/unicode.h"
#include "tests/unit/document/html_text.h"

namespace section55::document {

// What can be seen of a text: neither white space nor characters without a shape, which renditions may set differently.
inline std::string Seen(const std::string& text) {
  std::string seen;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t length = 1;
    while (i + length < text.size() && (static_cast<unsigned char>(text[i + length]) & 0xc0) == 0x80) ++length;
    const std::string character = text.substr(i, length);
    if (base::HasVisible(character)) seen += character;
    i += length;
  }
  return seen;
}

// The characters between tags.
inline std::string TextBetweenTags(const std::string& html) {
  std::string text;
  std::size_t at = 0;
  while (at < html.size()) {
    const std::size_t tag = std::min(html.find('<', at), html.size());
    text += Unescape(html.substr(at, tag - at)) + " ";
    at = html.find('>', tag) == std::string::npos ? html.size() : html.find('>', tag) + 1;
  }
  return text;
}

// The strings that are words, in their order; keys and values that are not text are left out.
inline void AddTextOfJson(const nlohmann::ordered_json& json, std::string& text) {
  if (json.is_array()) {
    for (const auto& item : json) {
      if (item.is_string()) {
        text += item.get<std::string>() + " ";
      } else {
        AddTextOfJson(item, text);
      }
    }
  } else if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      static const std::set<std::string> kWords = {"watermark", "author", "title",   "subtitle", "heading",
                                                   "label",     "mark",   "caption", "text"};
      if (value.is_string() && kWords.contains(key)) {
        text += value.get<std::string>() + (key == "text" ? "" : " ");
      } else if (value.is_structured()) {
        AddTextOfJson(value, text);
      }
    }
  }
}

inline std::string FileOfZip(const std::string& bytes, const std::string& name) {
  zip_error_t error;
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  zip_t* archive = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error);
  if (archive == nullptr) {
    ADD_FAILURE() << "no zip archive";
    return "";
  }
  std::string content;
  zip_stat_t stat;
  if (zip_stat(archive, name.c_str(), 0, &stat) == 0) {
    content.resize(stat.size);
    zip_file_t* file = zip_fopen(archive, name.c_str(), 0);
    EXPECT_EQ(zip_fread(file, content.data(), content.size()), static_cast<zip_int64_t>(content.size()));
    zip_fclose(file);
  }
  zip_close(archive);
  return content;
}

inline void AddTextOfWord(const pugi::xml_node& node, std::string& text) {
  for (const pugi::xml_node& child : node.children()) {
    const std::string name = child.name();
    if (name == "w:t") text += child.text().get();
    if (name == "w:tab" || name == "w:br") text += ' ';
    AddTextOfWord(child, text);
    if (name == "w:p") text += '\n';
  }
}

inline std::string TextOfWord(const std::string& bytes) {
  pugi::xml_document part;
  const std::string xml = FileOfZip(bytes, "word/document.xml");
  EXPECT_TRUE(part.load_buffer(xml.data(), xml.size(), pugi::parse_default | pugi::parse_ws_pcdata));
  std::string text;
  AddTextOfWord(part, text);
  return text;
}

}  // namespace section55::document
