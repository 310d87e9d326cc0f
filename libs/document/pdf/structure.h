// The structure tree of a tagged PDF while it is made: what each piece of the pages is (ISO 32000-1, 14.7 and 14.8).
#pragma once

#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace section55::document::pdf {

struct Node;

// A piece of a page's content.
struct Marked {
  int page = 0;
  int mcid = 0;
};

// A link's annotation, by its place in the document.
struct Annotated {
  int annotation = 0;
};

using Kid = std::variant<Node*, Marked, Annotated>;

struct Node {
  std::string_view type;  // A standard type: "P", "H2", "TD".
  Node* parent = nullptr;
  bool attached = false;            // Whether it stands among its parent's kids.
  std::string language = {};        // Where it differs from the parent's.
  std::string_view scope = {};      // Of a TH: "Row" or "Column".
  std::string_view numbering = {};  // Of an L: "Disc", "Decimal" or "None".
  std::string href = {};            // Of a Link.
  std::vector<Kid> kids = {};
};

class StructureTree {
 public:
  // `anchors`: what links within the document can lead to.
  explicit StructureTree(std::set<std::string, std::less<>> anchors) : anchors_(std::move(anchors)) {}

  // Whether a link can be followed: it leads to another place than this document, or to an anchor that there is.
  bool LeadsSomewhere(std::string_view href) const {
    return !href.starts_with('#') || anchors_.contains(href.substr(1));
  }

  // A node that stands after what its parent has already.
  Node* Add(Node* parent, std::string_view type) {
    Node* node = AddLater(parent, type);
    Attach(node);
    return node;
  }

  // A node within a line of text, which takes its place when its first piece is put on a page.
  Node* AddLater(Node* parent, std::string_view type) {
    nodes_.push_back({.type = type, .parent = parent});
    return &nodes_.back();
  }

  static void Attach(Node* node) {
    if (!node->attached) {
      node->attached = true;
      if (node->parent != nullptr) {
        Attach(node->parent);
        node->parent->kids.emplace_back(node);
      }
    }
  }

  // In the order in which they were made.
  const std::deque<Node>& nodes() const { return nodes_; }

 private:
  const std::set<std::string, std::less<>> anchors_;
  std::deque<Node> nodes_;  // Nodes stay where they are.
};

}  // namespace section55::document::pdf
