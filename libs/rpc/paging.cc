#include "libs/rpc/paging.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>

#include "libs/base/base64.h"
#include "libs/base/ids.h"

namespace section55::rpc {
namespace {

using google::protobuf::Message;

constexpr char kPageSize[] = "page_size";
constexpr char kPageToken[] = "page_token";
constexpr size_t kSealSize = 32;  // hexadecimal digits

// The request without what may differ from page to page, in one form only.
std::string QueryOf(const Message& request) {
  const std::unique_ptr<Message> query(request.New());
  query->CopyFrom(request);
  for (const char* name : {kPageSize, kPageToken}) {
    if (const auto* field = query->GetDescriptor()->FindFieldByName(name)) {
      query->GetReflection()->ClearField(query.get(), field);
    }
  }
  std::string bytes = query->GetDescriptor()->full_name() + '\n';
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    query->SerializeToCodedStream(&coded);
  }
  return bytes;
}

// Finds damage and foreign tokens. It is no secret, and need not be: a forged key only moves through rows that its
// caller may see.
std::string SealOf(const Message& request, std::string_view key) {
  const std::string query = QueryOf(request);
  return base::Sha256Hex(base::Sha256Hex(query).append(key)).substr(0, kSealSize);
}

std::optional<std::vector<std::string>> KeyOf(const Message& request, const std::string& token) {
  const auto bytes = base::Base64UrlDecode(token);
  if (!bytes || bytes->size() < kSealSize) {
    return std::nullopt;
  }
  const std::string_view rest = std::string_view(*bytes).substr(kSealSize);
  if (std::string_view(*bytes).substr(0, kSealSize) != SealOf(request, rest)) {
    return std::nullopt;
  }
  std::vector<std::string> key;
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t*>(rest.data()),
                                                static_cast<int>(rest.size()));
  for (uint32_t size; stream.ReadVarint32(&size);) {
    if (!stream.ReadString(&key.emplace_back(), static_cast<int>(size))) {
      return std::nullopt;
    }
  }
  return key;
}

}  // namespace

int PageSize(int requested, base::Violations& violations, int default_size, int maximum) {
  if (requested < 0) {
    violations.Add(kPageSize, "must not be negative");
  }
  return requested <= 0 ? default_size : std::min(requested, maximum);
}

std::string MakePageToken(const Message& request, const std::vector<std::string>& last_key) {
  std::string key;
  {
    google::protobuf::io::StringOutputStream stream(&key);
    google::protobuf::io::CodedOutputStream coded(&stream);
    for (const std::string& part : last_key) {
      coded.WriteVarint32(static_cast<uint32_t>(part.size()));
      coded.WriteString(part);
    }
  }
  return base::Base64UrlEncode(SealOf(request, key) + key);
}

std::vector<std::string> ReadPageToken(const Message& request, size_t key_size, base::Violations& violations) {
  const auto* field = request.GetDescriptor()->FindFieldByName(kPageToken);
  const std::string token = request.GetReflection()->GetString(request, field);
  if (token.empty()) {
    return {};
  }
  auto key = KeyOf(request, token);
  if (!key || key->size() != key_size) {
    violations.Add(kPageToken, "is not the next_page_token of a page of this same query");
    return {};
  }
  return *std::move(key);
}

bool ReadKeyPart(const std::string& text, int64_t& part) {
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, part);
  return read.ec == std::errc() && read.ptr == end;
}

bool ReadKeyPart(const std::string& text, std::string& part) {
  part = text;
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

}  // namespace section55::rpc
