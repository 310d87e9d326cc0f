// Reads a page as a strict reader would, for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/document/html_text.h"

namespace section55::publication {

// The values of an attribute, in order.
inline std::vector<std::string> AttributesOf(const std::string& page, const std::string& name) {
  std::vector<std::string> values;
  const std::string begin = " " + name + "=\"";
  for (size_t at = page.find(begin); at != std::string::npos; at = page.find(begin, at + 1)) {
    const size_t from = at + begin.size();
    values.push_back(page.substr(from, page.find('"', from) - from));
  }
  return values;
}

inline std::vector<std::string> IdsOf(const std::string& page) { return AttributesOf(page, "id"); }

// What the links within the page lead to.
inline std::vector<std::string> FragmentsOf(const std::string& page) {
  std::vector<std::string> fragments;
  for (const std::string& href : AttributesOf(page, "href")) {
    if (href.starts_with("#")) {
      fragments.push_back(href.substr(1));
    }
  }
  return fragments;
}

inline std::vector<int> HeadingLevelsOf(const std::string& page) {
  std::vector<int> levels;
  for (size_t at = page.find("<h"); at != std::string::npos; at = page.find("<h", at + 1)) {
    if (page[at + 2] >= '1' && page[at + 2] <= '6') {
      levels.push_back(page[at + 2] - '0');
    }
  }
  return levels;
}

// The text of <body> with white space collapsed. Fails the test unless every element is closed in order.
inline std::string TextOfPage(const std::string& page) {
  static const std::set<std::string> kVoid = {"br", "hr", "meta", "link", "!DOCTYPE"};
  std::vector<std::string> open;
  std::string text;
  size_t at = 0;
  while (at < page.size()) {
    const size_t tag = std::min(page.find('<', at), page.size());
    if (std::find(open.begin(), open.end(), "body") != open.end()) {
      text += document::Unescape(page.substr(at, tag - at));
    }
    if (tag == page.size()) {
      break;
    }
    const size_t end = page.find('>', tag);
    const std::string whole = page.substr(tag, end - tag + 1);
    const std::string name = whole.substr(1, whole.find_first_of(" >") - 1);
    if (name[0] == '/') {
      EXPECT_TRUE(!open.empty() && "/" + open.back() == name) << whole << " closes what is not open";
      if (!open.empty()) {
        open.pop_back();
      }
    } else if (!kVoid.contains(name)) {
      open.push_back(name);
    }
    // Blocks part words, inlines do not.
    if (name != "a" && name != "/a" && name != "span" && name != "/span" && name != "strong" && name != "/strong") {
      text += ' ';
    }
    at = end + 1;
  }
  EXPECT_TRUE(open.empty());
  return document::Collapse(text);
}

}  // namespace section55::publication
