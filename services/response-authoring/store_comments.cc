#include "services/response-authoring/store_comments.h"

#include <charconv>
#include <string>
#include <utility>

#include "libs/base/status.h"

namespace section55::authoring::store {

const db::ProtoTable<v1::Comment>& Comments() {
  static const db::ProtoTable<v1::Comment> table(
      {.name = "response_comments", .key = {"body", "inspection", "id"}, .columns = {}});
  return table;
}

absl::Status AddComment(db::Transaction& tx, std::string_view body, std::string_view inspection, int64_t id,
                        const v1::Comment& comment) {
  db::Versioned<v1::Comment> row{comment};
  const absl::Status added = Comments().Insert(tx, {body, inspection, id}, {}, row);
  return absl::IsAlreadyExists(added) ? tx.Conflict() : added;
}

absl::StatusOr<std::optional<v1::Comment>> FindComment(db::Transaction& tx, std::string_view body,
                                                       std::string_view inspection, std::string_view name) {
  int64_t id = 0;
  const std::string_view number = name.substr(name.rfind('/') + 1);
  std::from_chars(number.data(), number.data() + number.size(), id);
  ASSIGN_OR_RETURN(auto row, Comments().Find(tx, {body, inspection, id}));
  if (!row || row->message.name() != name) {
    return std::nullopt;
  }
  return std::move(row->message);
}

absl::StatusOr<std::vector<v1::Comment>> CommentsAfter(db::Transaction& tx, std::string_view body,
                                                       std::string_view inspection, int64_t id, int limit) {
  ASSIGN_OR_RETURN(auto rows, Comments().Select(tx, "WHERE body = ? AND inspection = ? AND id > ? ORDER BY id LIMIT ?",
                                                {body, inspection, id, limit}));
  std::vector<v1::Comment> comments;
  for (auto& row : rows) {
    comments.push_back(std::move(row.message));
  }
  return comments;
}

}  // namespace section55::authoring::store
