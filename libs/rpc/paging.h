// Pages of lists (AIP-158): sizes, tokens, and the row too many that says whether another page follows.
//
// A token is opaque, holds the key of the last row and is bound to the other fields of its request: a token from another query is
// refused.
//
//   const auto paging = rpc::ReadPaging<int64_t, std::string>(request, violations);         // the types of the key's parts
//   ... SELECT ... LIMIT paging.limit() ... after *paging.after ...                         // std::tuple<int64_t, std::string>
//   rpc::FinishPage(request, paging, rows, KeyOf, response);                                // cuts `rows`, sets next_page_token
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "google/protobuf/message.h"
#include "libs/base/status.h"

namespace section55::rpc {

// 0 means `default_size`; more than `maximum` means `maximum`; a negative size is a violation on page_size.
int PageSize(int requested, base::Violations& violations, int default_size = 50, int maximum = 1000);

// The token that continues after the row with this key.
std::string MakePageToken(const google::protobuf::Message& request, const std::vector<std::string>& last_key);

// The key in request.page_token, empty for the first page. A token that is damaged or belongs to a request that differs in anything but
// page_size and page_token is a violation on page_token.
std::vector<std::string> ReadPageToken(const google::protobuf::Message& request, size_t key_size,
                                       base::Violations& violations);

// The parts of a key in a token. A token is not sealed against forgery, so a text is made of [a-z0-9-], as ids and dates are: nothing
// else goes on to the database. False when it is not.
bool ReadKeyPart(const std::string& text, int64_t& part);
bool ReadKeyPart(const std::string& text, std::string& part);
inline std::string WriteKeyPart(int64_t part) { return std::to_string(part); }
inline const std::string& WriteKeyPart(const std::string& part) { return part; }

// What a request asks for. `Parts` are int64_t or std::string.
template <typename... Parts>
struct Paging {
  using Key = std::tuple<Parts...>;
  int size = 0;
  std::optional<Key> after;  // the last row that was seen; nothing for the first page

  // One row more than asked for, to know whether there is a next page.
  int limit() const { return size + 1; }
};

// Reads page_size and page_token of `request`.
template <typename... Parts, typename Request>
Paging<Parts...> ReadPaging(const Request& request, base::Violations& violations, int default_size = 50,
                            int maximum = 1000) {
  Paging<Parts...> paging;
  paging.size = PageSize(request.page_size(), violations, default_size, maximum);
  const std::vector<std::string> texts = ReadPageToken(request, sizeof...(Parts), violations);
  if (texts.empty()) {
    return paging;
  }
  size_t next = 0;
  bool sound = true;
  std::apply([&](Parts&... parts) { ((sound = ReadKeyPart(texts[next++], parts) && sound), ...); },
             paging.after.emplace());
  if (!sound) {
    violations.Add("page_token", "is not one that this list gave");
    paging.after.reset();
  }
  return paging;
}

// Sets next_page_token of `response`, to continue after the row with this key.
template <typename Request, typename Response, typename... Parts>
void SetNextPage(const Request& request, const std::tuple<Parts...>& last, Response& response) {
  response.set_next_page_token(
      std::apply([&](const Parts&... parts) { return MakePageToken(request, {WriteKeyPart(parts)...}); }, last));
}

// Takes the row too many off `rows` and sets next_page_token, if another page follows. `key_of` gives the key of a row.
template <typename Request, typename Row, typename KeyOf, typename Response, typename... Parts>
void FinishPage(const Request& request, const Paging<Parts...>& paging, std::vector<Row>& rows, KeyOf key_of,
                Response& response) {
  if (rows.size() <= static_cast<size_t>(paging.size)) {
    return;
  }
  rows.resize(paging.size);
  SetNextPage(request, typename Paging<Parts...>::Key(key_of(rows.back())), response);
}

}  // namespace section55::rpc
