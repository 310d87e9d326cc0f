#include "tests/unit/proto/api_page.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "section55/common/v1/access.pb.h"

namespace section55::api_page {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;
using google::protobuf::SourceLocation;

constexpr std::string_view kPackage = "section55.";

bool IsLetterOrDigit(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) != 0; }

// The text so that only its code (`like_this`) is markup. An underscore within a word is none in GitHub's Markdown.
std::string Escaped(std::string_view text) {
  std::string escaped;
  bool in_code = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool within_word =
        i > 0 && i + 1 < text.size() && IsLetterOrDigit(text[i - 1]) && IsLetterOrDigit(text[i + 1]);
    in_code = in_code != (c == '`');
    const bool markup =
        c == '|' ||
        (!in_code && (std::string_view("*<>[]\\").find(c) != std::string_view::npos || (c == '_' && !within_word)));
    escaped += markup ? "\\" : "";
    escaped += c;
  }
  return escaped;
}

// The comment as paragraphs, each on one line.
template <class Element>
std::vector<std::string> ParagraphsOf(const Element& element) {
  SourceLocation location;
  std::vector<std::string> paragraphs;
  if (!element.GetSourceLocation(&location)) {
    return paragraphs;
  }
  const std::string& comment =
      location.leading_comments.empty() ? location.trailing_comments : location.leading_comments;
  std::string paragraph;
  const auto flush = [&] {
    if (!paragraph.empty()) {
      paragraphs.push_back(Escaped(paragraph));
    }
    paragraph.clear();
  };
  for (std::size_t at = 0; at <= comment.size();) {
    const std::size_t end = std::min(comment.find('\n', at), comment.size());
    std::string_view line = std::string_view(comment).substr(at, end - at);
    at = end + 1;
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.empty()) {
      flush();
      continue;
    }
    if (line.substr(0, 2) == "- ") {
      flush();
    }
    paragraph += paragraph.empty() ? "" : " ";
    paragraph += line;
  }
  flush();
  return paragraphs;
}

template <class Element>
std::string CommentOf(const Element& element, std::string_view between) {
  std::string comment;
  for (const std::string& paragraph : ParagraphsOf(element)) {
    comment += comment.empty() ? "" : between;
    comment += paragraph;
  }
  return comment;
}

// "authoring.v1.Response.State": the name without the package that all share.
std::string ShortName(std::string_view full_name) {
  return std::string(full_name.substr(full_name.starts_with(kPackage) ? kPackage.size() : 0));
}

// The id that GitHub gives a heading of this text: its letters and digits in lower case, without dots.
std::string AnchorOf(std::string_view full_name) {
  std::string anchor;
  for (const char c : ShortName(full_name)) {
    if (c != '.') {
      anchor += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
  }
  return anchor;
}

template <class Type>
std::string LinkTo(const Type& type) {
  return type.full_name().starts_with(kPackage)
             ? fmt::format("[{}](#{})", ShortName(type.full_name()), AnchorOf(type.full_name()))
             : type.full_name();
}

std::string TypeOf(const FieldDescriptor& field) {
  if (field.is_map()) {
    return fmt::format("map of {} to {}", TypeOf(*field.message_type()->map_key()),
                       TypeOf(*field.message_type()->map_value()));
  }
  std::string type = field.message_type() != nullptr ? LinkTo(*field.message_type())
                     : field.enum_type() != nullptr  ? LinkTo(*field.enum_type())
                                                     : field.type_name();
  if (field.is_repeated()) {
    return "repeated " + type;
  }
  return field.has_optional_keyword() ? "optional " + type : type;
}

void AppendEnum(const EnumDescriptor& type, std::string& page) {
  page += fmt::format("#### {}\n\n{}\n\n| Value | Number | Meaning |\n| --- | --- | --- |\n",
                      ShortName(type.full_name()), CommentOf(type, "\n\n"));
  for (int i = 0; i < type.value_count(); ++i) {
    page += fmt::format("| `{}` | {} | {} |\n", type.value(i)->name(), type.value(i)->number(),
                        CommentOf(*type.value(i), "<br>"));
  }
  page += "\n";
}

void AppendMessage(const Descriptor& type, std::string& page) {
  if (type.options().map_entry()) {
    return;
  }
  page += fmt::format("#### {}\n\n{}\n\n", ShortName(type.full_name()), CommentOf(type, "\n\n"));
  if (type.field_count() == 0) {
    page += "It has no fields.\n\n";
  } else {
    page += "| Field | Type | Meaning |\n| --- | --- | --- |\n";
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      const std::string choice = field.real_containing_oneof() == nullptr
                                     ? ""
                                     : fmt::format("One of `{}`. ", field.containing_oneof()->name());
      page += fmt::format("| `{}` ({}) | {} | {}{} |\n", field.name(), field.number(), TypeOf(field), choice,
                          CommentOf(field, "<br>"));
    }
    page += "\n";
  }
  for (int i = 0; i < type.enum_type_count(); ++i) {
    AppendEnum(*type.enum_type(i), page);
  }
  for (int i = 0; i < type.nested_type_count(); ++i) {
    AppendMessage(*type.nested_type(i), page);
  }
}

void AppendItem(std::string_view item, std::string& list) {
  list += list.empty() ? "" : ", ";
  list += item;
}

// Who may call, from the method's access rule.
std::string CallersOf(const MethodDescriptor& method) {
  // The pool's own copy of the option, by its bytes: the generated type can read it only there.
  google::protobuf::MethodOptions options;
  if (!options.ParseFromString(method.options().SerializeAsString()) || !options.HasExtension(common::v1::access)) {
    return "nobody";
  }
  const common::v1::AccessRule& rule = options.GetExtension(common::v1::access);
  std::string callers;
  if (rule.any_caller()) {
    AppendItem("every authenticated caller", callers);
  }
  for (const int role : rule.roles()) {
    AppendItem(fmt::format("`{}`", common::v1::AccessRule::Role_Name(static_cast<common::v1::AccessRule::Role>(role))),
               callers);
  }
  for (const std::string& service : rule.services()) {
    AppendItem(fmt::format("the service `{}`", service), callers);
  }
  if (!rule.tenant().empty()) {
    callers += fmt::format("; for the tenant in `{}`", rule.tenant());
  }
  if (rule.across_bodies()) {
    callers += ", which may be `bodies/-`";
  }
  return callers;
}

void AppendService(const ServiceDescriptor& service, std::string& page) {
  page += fmt::format("### {}\n\n{}\n\n", ShortName(service.full_name()), CommentOf(service, "\n\n"));
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    page +=
        fmt::format("#### {}.{}\n\n{}\n\n- Request: {}\n- Answer: {}{}\n- Who may call: {}\n\n", service.name(),
                    method.name(), CommentOf(method, "\n\n"), LinkTo(*method.input_type()),
                    method.server_streaming() ? "a stream of " : "", LinkTo(*method.output_type()), CallersOf(method));
  }
}

}  // namespace

std::string Make(const google::protobuf::FileDescriptorSet& files) {
  google::protobuf::DescriptorPool pool;
  std::vector<const FileDescriptor*> own;
  for (const auto& file : files.file()) {
    const FileDescriptor* built = pool.BuildFile(file);
    if (built != nullptr && built->package().starts_with(kPackage)) {
      own.push_back(built);
    }
  }
  std::sort(own.begin(), own.end(), [](const auto* a, const auto* b) { return a->name() < b->name(); });

  std::string page =
      "# The API\n\nMade from the protos in this folder by `make api`; a test keeps it true. Names leave out the "
      "package that all "
      "share, `section55`. In a table the number after a field's name is its number on the wire.\n\n";
  for (const FileDescriptor* file : own) {
    for (int i = 0; i < file->service_count(); ++i) {
      const ServiceDescriptor& service = *file->service(i);
      page += fmt::format("- [{}](#{}):", ShortName(service.full_name()), AnchorOf(service.full_name()));
      for (int j = 0; j < service.method_count(); ++j) {
        const std::string& method = service.method(j)->name();
        page += fmt::format("{} [{}](#{})", j == 0 ? "" : ",", method, AnchorOf(service.name() + "." + method));
      }
      page += "\n";
    }
  }
  for (const FileDescriptor* file : own) {
    page += fmt::format("\n## {}\n\n", file->name());
    for (int i = 0; i < file->service_count(); ++i) {
      AppendService(*file->service(i), page);
    }
    for (int i = 0; i < file->message_type_count(); ++i) {
      AppendMessage(*file->message_type(i), page);
    }
    for (int i = 0; i < file->enum_type_count(); ++i) {
      AppendEnum(*file->enum_type(i), page);
    }
    page.pop_back();
  }
  return page;
}

}  // namespace section55::api_page
