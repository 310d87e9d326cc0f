// Page sizes and page tokens (AIP-158). A token is opaque, holds the key of the last row and is bound to the other
// fields of its request: a token from another query is refused. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "libs/base/status.h"

namespace section55::rpc {

// 0 means `default_size`; more than `maximum` means `maximum`; a negative size is a violation on page_size.
int PageSize(int requested, base::Violations& violations, int default_size = 50, int maximum = 1000);

// The token that continues after the row with this key.
std::string MakePageToken(const google::protobuf::Message& request, const std::vector<std::string>& last_key);

// The key in request.page_token, empty for the first page. A token that is damaged or belongs to a request that differs
// in anything but page_size and page_token is a violation on page_token.
std::vector<std::string> ReadPageToken(const google::protobuf::Message& request, size_t key_size,
                                       base::Violations& violations);

}  // namespace section55::rpc
