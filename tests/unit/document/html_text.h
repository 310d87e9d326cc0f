// Reads HTML of RenderHtml as a strict reader would, for tests: knows only the elements and attributes that may occur.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace section55::document {

inline std::string Unescape(const std::string& text) {
  static const std::map<std::string, std::string> kEntities = {
      {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}};
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t end = text[i] == '&' ? text.find(';', i) : std::string::npos;
    const auto entity = end == std::string::npos ? kEntities.end() : kEntities.find(text.substr(i, end - i + 1));
    if (text[i] == '&' && entity == kEntities.end()) ADD_FAILURE() << "a bare & in " << text;
    if (entity == kEntities.end()) {
      plain += text[i];
    } else {
      plain += entity->second;
      i = end;
    }
  }
  return plain;
}

// Runs of white space as one space, none at the ends.
inline std::string Collapse(const std::string& text) {
  std::string collapsed;
  for (char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t';
    if (!space) {
      collapsed += c;
    } else if (!collapsed.empty() && collapsed.back() != ' ') {
      collapsed += ' ';
    }
  }
  if (!collapsed.empty() && collapsed.back() == ' ') collapsed.pop_back();
  return collapsed;
}

// Whether RenderHtml may write this opening tag. No std::regex: it recurses, and an address can be long.
inline bool IsAllowedTag(std::string tag) {
  static const std::set<std::string> kTags = {
      "<p>",
      "<h1>",
      "<h2>",
      "<h3>",
      "<h4>",
      "<h5>",
      "<h6>",
      "<ul>",
      "<li>",
      "<ol>",
      "<pre>",
      "<code>",
      "<em>",
      "<table>",
      "<tr>",
      "<td>",
      "<br>",
      "<hr>",
      "<strong>",
      "<blockquote>",
      "<thead>",
      "<tbody>",
      "<ol start=\"N\">",
      "<th scope=\"col\">",
      "<a href=\"#...\">",
      "<a href=\"mailto:...\">",
      "<a href=\"http://...\" rel=\"noopener noreferrer\">",
      "<a href=\"https://...\" rel=\"noopener noreferrer\">",
      "<div class=\"table-scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Table\">"};
  for (const std::string prefix :
       {"<a href=\"#", "<a href=\"mailto:", "<a href=\"http://", "<a href=\"https://", "<ol start=\""}) {
    const std::size_t quote = tag.find('"', prefix.size());
    if (!tag.starts_with(prefix) || quote == std::string::npos || quote == prefix.size()) continue;
    const bool is_number = tag.find_first_not_of("0123456789", prefix.size()) == quote;
    tag.replace(prefix.size(), quote - prefix.size(), prefix != "<ol start=\"" ? "..." : is_number ? "N" : "");
    break;
  }
  return kTags.contains(tag);
}

// The text of the HTML. Fails the test unless every tag is one that RenderHtml may write, with no other attribute,
// every element is closed in order, and links lead only where they may.
inline std::string TextOfHtml(const std::string& html) {
  std::vector<std::string> open;
  std::string text;
  std::size_t at = 0;
  while (at < html.size()) {
    const std::size_t tag = std::min(html.find('<', at), html.size());
    const std::string characters = html.substr(at, tag - at);
    if (characters.find('>') != std::string::npos) ADD_FAILURE() << "a bare > in " << characters;
    text += Unescape(characters);
    if (tag == html.size()) break;
    const std::size_t end = html.find('>', tag);
    if (end == std::string::npos) {
      ADD_FAILURE() << "an open tag at the end";
      break;
    }
    const std::string whole = html.substr(tag, end - tag + 1);
    const std::string name = whole.substr(1, whole.find_first_of(" >") - 1);
    if (name[0] == '/') {
      if (open.empty() || "/" + open.back() != name) {
        ADD_FAILURE() << whole << " closes what is not open";
        return text;
      }
      open.pop_back();
    } else {
      EXPECT_TRUE(IsAllowedTag(whole)) << whole;
      if (name != "br" && name != "hr") open.push_back(name);
    }
    at = end + 1;
  }
  EXPECT_TRUE(open.empty());
  return text;
}

}  // namespace section55::document
