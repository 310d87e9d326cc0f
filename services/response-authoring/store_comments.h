// The SQL of comments on responses.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/db/database.h"
#include "libs/db/proto_table.h"
#include "section55/authoring/v1/comment.pb.h"

namespace section55::authoring::store {

const db::ProtoTable<v1::Comment>& Comments();

// Adds a comment under `id`, which comes after all that are there. Conflicts when another process had the same.
absl::Status AddComment(db::Transaction& tx, std::string_view body, std::string_view inspection, int64_t id,
                        const v1::Comment& comment);

// A comment on this response by its name; nothing for another form of name, or one of another response.
absl::StatusOr<std::optional<v1::Comment>> FindComment(db::Transaction& tx, std::string_view body,
                                                       std::string_view inspection, std::string_view name);

// The comments on a response after the one with this id, in the order in which they were made; at most `limit`.
absl::StatusOr<std::vector<v1::Comment>> CommentsAfter(db::Transaction& tx, std::string_view body,
                                                       std::string_view inspection, int64_t id, int limit);

}  // namespace section55::authoring::store
