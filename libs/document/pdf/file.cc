#include "libs/document/pdf/file.h"

#include <fmt/format.h>

#include <qpdf/QPDF.hh>
#include <qpdf/QPDFObjectHandle.hh>
#include <qpdf/QPDFWriter.hh>
#include <unordered_map>

#include "libs/document/html.h"
#include "libs/document/pdf/embed.h"

namespace section55::document::pdf {
namespace {

using Object = QPDFObjectHandle;

Object Name(std::string_view text) { return Object::newName("/" + std::string(text)); }
Object Words(const std::string& text) { return Object::newUnicodeString(text); }

// What the file says of itself (XMP), and that it is PDF/UA-1.
std::string Metadata(const Document& document) {
  return fmt::format(
      "<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
      "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n"
      "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
      "<rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\""
      " xmlns:pdfuaid=\"http://www.aiim.org/pdfua/ns/id/\">\n"
      "<dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">{}</rdf:li></rdf:Alt></dc:title>\n"
      "<dc:creator><rdf:Seq><rdf:li>{}</rdf:li></rdf:Seq></dc:creator>\n"
      "<dc:language><rdf:Bag><rdf:li>{}</rdf:li></rdf:Bag></dc:language>\n"
      "<pdfuaid:part>1</pdfuaid:part>\n"
      "</rdf:Description>\n</rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"w\"?>\n",
      EscapeHtml(document.title), EscapeHtml(document.author), EscapeHtml(document.language));
}

class FileWriter {
 public:
  FileWriter(const Document& document, const std::vector<OutlineEntry>& outline, const Pages& pages,
             const FontBook& fonts)
      : document_(document), outline_(outline), pages_(pages), fonts_(fonts) {}

  std::string Write(const Node& root, const StructureTree& tree) {
    file_.emptyPDF();
    AddPages();
    AddStructure(root, tree);
    AddLinks();
    AddOutline();
    Object catalogue = file_.getRoot();
    catalogue.replaceKey("/Lang", Object::newString(document_.language));
    catalogue.replaceKey("/MarkInfo", Object::parse("<< /Marked true >>"));
    catalogue.replaceKey("/ViewerPreferences", Object::parse("<< /DisplayDocTitle true >>"));
    Object metadata = Object::newStream(&file_, Metadata(document_));
    metadata.getDict().replaceKey("/Type", Name("Metadata"));
    metadata.getDict().replaceKey("/Subtype", Name("XML"));
    catalogue.replaceKey("/Metadata", metadata);
    Object information = Object::newDictionary();
    information.replaceKey("/Title", Words(document_.title));
    information.replaceKey("/Author", Words(document_.author));
    information.replaceKey("/Producer", Object::newString("Section 55"));
    file_.getTrailer().replaceKey("/Info", file_.makeIndirectObject(information));

    QPDFWriter writer(file_);
    writer.setOutputMemory();
    writer.setMinimumPDFVersion("1.7");
    writer.setDeterministicID(true);
    writer.setObjectStreamMode(qpdf_o_generate);
    writer.setCompressStreams(true);
    writer.write();
    const std::shared_ptr<Buffer> buffer = writer.getBufferSharedPointer();
    return {reinterpret_cast<const char*>(buffer->getBuffer()), buffer->getSize()};
  }

 private:
  void AddPages() {
    Object font_names = Object::newDictionary();
    for (size_t i = 0; i < fonts_.faces().size(); ++i) {
      font_names.replaceKey(fmt::format("/F{}", i), EmbedFace(file_, *fonts_.faces()[i]));
    }
    Object resources = Object::newDictionary();
    resources.replaceKey("/Font", font_names);
    if (!document_.watermark.empty()) {
      resources.replaceKey("/ExtGState", Object::parse("<< /Faint << /Type /ExtGState /ca 0.12 >> >>"));
    }
    resources = file_.makeIndirectObject(resources);
    for (size_t i = 0; i < pages_.pages.size(); ++i) {
      Object page = Object::newDictionary();
      page.replaceKey("/Type", Name("Page"));
      page.replaceKey("/MediaBox",
                      Object::parse(fmt::format("[ 0 0 {} {} ]", Number(kPageWidth), Number(kPageHeight))));
      page.replaceKey("/Resources", resources);
      page.replaceKey("/Contents", Object::newStream(&file_, pages_.pages[i].content));
      page.replaceKey("/StructParents", Object::newInteger(static_cast<long long>(i)));
      page.replaceKey("/Tabs", Name("S"));
      page_objects_.push_back(file_.makeIndirectObject(page));
      file_.addPage(page_objects_.back(), false);
    }
  }

  void AddStructure(const Node& root, const StructureTree& tree) {
    Object structure = file_.makeIndirectObject(Object::newDictionary());
    structure.replaceKey("/Type", Name("StructTreeRoot"));
    for (const Node& node : tree.nodes()) {
      if (node.attached) {
        elements_.emplace(&node, file_.makeIndirectObject(Object::newDictionary()));
      }
    }
    for (const Node& node : tree.nodes()) {
      if (node.attached) {
        Fill(node, &node == &root ? structure : elements_.at(node.parent));
      }
    }
    structure.replaceKey("/K", elements_.at(&root));
    structure_ = structure;
    numbers_ = Object::newArray();
    for (size_t i = 0; i < pages_.pages.size(); ++i) {
      Object marked = Object::newArray();
      for (const Node* node : pages_.pages[i].marked) {
        marked.appendItem(elements_.at(node));
      }
      numbers_.appendItem(Object::newInteger(static_cast<long long>(i)));
      numbers_.appendItem(file_.makeIndirectObject(marked));
    }
    file_.getRoot().replaceKey("/StructTreeRoot", structure);
  }

  void Fill(const Node& node, const Object& parent) {
    Object element = elements_.at(&node);
    element.replaceKey("/Type", Name("StructElem"));
    element.replaceKey("/S", Name(node.type));
    element.replaceKey("/P", parent);
    if (!node.language.empty()) {
      element.replaceKey("/Lang", Object::newString(node.language));
    }
    if (!node.scope.empty()) {
      element.replaceKey("/A", Object::parse(fmt::format("<< /O /Table /Scope /{} >>", node.scope)));
    }
    if (!node.numbering.empty()) {
      element.replaceKey("/A", Object::parse(fmt::format("<< /O /List /ListNumbering /{} >>", node.numbering)));
    }
    Object kids = Object::newArray();
    int page = -1;  // The page of those kids that are numbers alone.
    for (const Kid& kid : node.kids) {
      if (const auto* child = std::get_if<Node*>(&kid)) {
        kids.appendItem(elements_.at(*child));
      } else if (const auto* marked = std::get_if<Marked>(&kid)) {
        if (page < 0) {
          page = marked->page;
          element.replaceKey("/Pg", page_objects_[static_cast<size_t>(page)]);
        }
        if (marked->page == page) {
          kids.appendItem(Object::newInteger(marked->mcid));
        } else {
          Object reference = Object::newDictionary();
          reference.replaceKey("/Type", Name("MCR"));
          reference.replaceKey("/Pg", page_objects_[static_cast<size_t>(marked->page)]);
          reference.replaceKey("/MCID", Object::newInteger(marked->mcid));
          kids.appendItem(reference);
        }
      } else {
        const int annotation = std::get<Annotated>(kid).annotation;
        Object reference = Object::newDictionary();
        reference.replaceKey("/Type", Name("OBJR"));
        reference.replaceKey("/Obj", Annotation(annotation));
        reference.replaceKey("/Pg",
                             page_objects_[static_cast<size_t>(pages_.links[static_cast<size_t>(annotation)].page)]);
        kids.appendItem(reference);
      }
    }
    element.replaceKey("/K", kids);
  }

  Object Annotation(int number) {
    while (annotations_.size() <= static_cast<size_t>(number)) {
      annotations_.push_back(file_.makeIndirectObject(Object::newDictionary()));
    }
    return annotations_[static_cast<size_t>(number)];
  }

  Object Destination(const Target& target) {
    Object place = Object::newArray();
    place.appendItem(page_objects_[static_cast<size_t>(target.page)]);
    place.appendItem(Name("XYZ"));
    place.appendItem(Object::newNull());
    place.appendItem(Object::newReal(Number(std::min(target.top, kPageHeight))));
    place.appendItem(Object::newNull());
    return place;
  }

  void AddLinks() {
    std::vector<Object> of_page(pages_.pages.size());
    for (size_t i = 0; i < pages_.links.size(); ++i) {
      const LinkArea& link = pages_.links[i];
      const long long key = static_cast<long long>(pages_.pages.size() + i);
      Object annotation = Annotation(static_cast<int>(i));
      annotation.replaceKey("/Type", Name("Annot"));
      annotation.replaceKey("/Subtype", Name("Link"));
      annotation.replaceKey("/Rect",
                            Object::parse(fmt::format("[ {} {} {} {} ]", Number(link.left), Number(link.bottom),
                                                      Number(link.right), Number(link.top))));
      annotation.replaceKey("/Border", Object::parse("[ 0 0 0 ]"));
      constexpr int kPrint = 4;
      annotation.replaceKey("/F", Object::newInteger(kPrint));
      annotation.replaceKey("/StructParent", Object::newInteger(key));
      const std::string& href = link.node->href;
      const auto target = href.starts_with('#') ? pages_.targets.find(href.substr(1)) : pages_.targets.end();
      if (target != pages_.targets.end()) {
        annotation.replaceKey("/Dest", Destination(target->second));
        annotation.replaceKey("/Contents", Words("Goes to another part of this document"));
      } else {
        Object action = Object::newDictionary();
        action.replaceKey("/S", Name("URI"));
        action.replaceKey("/URI", Object::newString(href));
        annotation.replaceKey("/A", action);
        annotation.replaceKey("/Contents", Words(href));
      }
      numbers_.appendItem(Object::newInteger(key));
      numbers_.appendItem(elements_.at(link.node));
      Object& list = of_page[static_cast<size_t>(link.page)];
      if (!list.isInitialized()) {
        list = Object::newArray();
      }
      list.appendItem(annotation);
    }
    for (size_t i = 0; i < of_page.size(); ++i) {
      if (of_page[i].isInitialized()) {
        page_objects_[i].replaceKey("/Annots", of_page[i]);
      }
    }
    Object tree = Object::newDictionary();
    tree.replaceKey("/Nums", numbers_);
    structure_.replaceKey("/ParentTree", file_.makeIndirectObject(tree));
    structure_.replaceKey("/ParentTreeNextKey",
                          Object::newInteger(static_cast<long long>(pages_.pages.size() + pages_.links.size())));
  }

  void AddOutline() {
    if (outline_.empty()) {
      return;
    }
    struct Item {
      Object object;
      int level = 0;
      Object last;  // Of its own items.
      int count = 0;
    };
    std::vector<Item> open = {{file_.makeIndirectObject(Object::newDictionary()), 0, {}, 0}};
    open.front().object.replaceKey("/Type", Name("Outlines"));
    Object root = open.front().object;
    const auto close = [&] {
      Item item = std::move(open.back());
      open.pop_back();
      if (item.count > 0) {
        // Closed but for the document's own level, so that it can be taken in.
        item.object.replaceKey("/Count", Object::newInteger(item.level == 0 ? item.count : -item.count));
        item.object.replaceKey("/Last", item.last);
      }
    };
    for (size_t i = 0; i < outline_.size(); ++i) {
      while (open.size() > 1 && open.back().level >= outline_[i].level) {
        close();
      }
      Item& parent = open.back();
      Object item = file_.makeIndirectObject(Object::newDictionary());
      item.replaceKey("/Title", Words(outline_[i].title));
      item.replaceKey("/Parent", parent.object);
      item.replaceKey("/Dest", Destination(pages_.outline[i]));
      if (parent.count == 0) {
        parent.object.replaceKey("/First", item);
      } else {
        item.replaceKey("/Prev", parent.last);
        parent.last.replaceKey("/Next", item);
      }
      parent.last = item;
      ++parent.count;
      open.push_back({item, outline_[i].level, {}, 0});
    }
    while (!open.empty()) {
      close();
    }
    file_.getRoot().replaceKey("/Outlines", root);
  }

  const Document& document_;
  const std::vector<OutlineEntry>& outline_;
  const Pages& pages_;
  const FontBook& fonts_;
  QPDF file_;
  std::vector<Object> page_objects_;
  std::vector<Object> annotations_;
  std::unordered_map<const Node*, Object> elements_;
  Object structure_;
  Object numbers_;  // Of the parent tree.
};

}  // namespace

absl::StatusOr<std::string> WriteFile(const Document& document, const std::vector<OutlineEntry>& outline,
                                      const Pages& pages, const Node& root, const StructureTree& tree,
                                      const FontBook& fonts) {
  try {
    return FileWriter(document, outline, pages, fonts).Write(root, tree);
  } catch (const std::exception& error) {
    return absl::InternalError(fmt::format("the PDF could not be written: {}", error.what()));
  }
}

}  // namespace section55::document::pdf
