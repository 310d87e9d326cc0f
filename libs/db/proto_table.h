// Versioned messages in rows: the one reader and writer of what the services store.
//
// A table holds one serialised message a row: the columns of its key, those that lists and indexes need, and always
//   version   INTEGER / BIGINT      1 when inserted, one more with each change; the message's etag is made from it
//   checksum  INTEGER / BIGINT      XXH3 (64 bits) of `content`
//   content   BLOB                  the message, deterministically serialised, without its etag
// What is read is compared with its checksum. Damage is DATA_LOSS (reason STORED_DATA_DAMAGED), which names the table and the key;
// nothing half-read is ever handed out or saved back.
//
//   const db::ProtoTable<v1::Deadline> kDeadlines({.name = "deadlines", .key = {"body", "deadline"}, .columns = {"state"}});
//   RETURN_IF_ERROR(kDeadlines.Insert(tx, {body, id}, {state}, stored));
//   ASSIGN_OR_RETURN(db::Versioned<v1::Deadline> stored, kDeadlines.Load(tx, {body, id}, name));
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "google/protobuf/message.h"
#include "libs/base/ids.h"
#include "libs/base/status.h"
#include "libs/db/database.h"

namespace section55::db {

// The same message has the same bytes, maps included.
std::string SerialiseDeterministically(const google::protobuf::MessageLite& message);

// XXH3, 64 bits.
int64_t ChecksumOf(std::string_view bytes);

// A message and the version it was read at.
template <typename Message>
struct Versioned {
  Message message;
  int64_t version = 0;
};

// Names of tables and columns; they are put into the SQL as they stand.
struct TableDefinition {
  std::string_view name;
  std::vector<std::string_view> key;      // in the order of the primary key; texts or whole numbers, never NULL
  std::vector<std::string_view> columns;  // beside the key; may be empty
};

// A damaged row, as CheckStorage reports it.
struct Damage {
  std::string table;
  std::string key;      // the columns of the key, joined by "/"
  std::string problem;  // "does not match its checksum"
};

// For a table that is read in its own way: adds the row to `damage` when its bytes do not match their checksum.
void CheckContent(std::string_view table, std::string_view key, std::string_view bytes, int64_t checksum,
                  std::vector<Damage>& damage);

// What does not depend on the message. Thread-safe; the SQL is put together once.
class MessageTable {
 public:
  MessageTable(const TableDefinition& definition, const google::protobuf::Message& prototype);

  const std::string& name() const { return name_; }

  using Values = absl::Span<const Value>;

  // Reads rows after a key, in its order, and adds the damaged ones to `damage`. Returns how many rows it read and sets `after` to the
  // last key (as texts; empty: from the beginning): call again until it returns less than `limit`. Holds no more than a few rows at a
  // time, however large they are. Several queries: for a Read.
  absl::StatusOr<int> Check(Transaction& tx, std::vector<std::string>& after, int limit,
                            std::vector<Damage>& damage) const;

  // For a hot read that hands stored bytes on as they are, without parsing them: the content of a row of this table, compared with its
  // checksum. `key` is the row's, for the error. `content` is valid as long as the row is.
  absl::Status ReadContent(const Row& row, int checksum_column, int content_column, Values key,
                           std::string_view& content) const;

 protected:
  // ALREADY_EXISTS: the key is taken, or another unique index refused the row.
  absl::Status InsertRow(Transaction& tx, Values key, Values columns, const google::protobuf::Message& message) const;
  // Conflicts when the row is not at `version`.
  absl::Status UpdateRow(Transaction& tx, Values key, Values columns, int64_t version,
                         const google::protobuf::Message& message) const;
  absl::Status DeleteRow(Transaction& tx, Values key, int64_t version) const;
  absl::StatusOr<bool> FindRow(Transaction& tx, Values key, google::protobuf::Message& message, int64_t& version) const;
  // `each` is given the bytes of every row that `tail` selects, compared with their checksum, and says whether they can be parsed.
  // None after the first that is damaged.
  absl::Status SelectBytes(Transaction& tx, std::string_view tail, Values values,
                           absl::FunctionRef<bool(int64_t version, std::string_view content)> each) const;
  // How many of the rows that `tail` (which ends in LIMIT ?) selects fit into `max_bytes`, at least one if there is one.
  absl::StatusOr<int> CountFitting(Transaction& tx, std::string_view tail, Values values, size_t max_bytes) const;

 private:
  // Reads the key that `select_` and `check_` put first.
  std::vector<std::string> KeyOf(const Row& row) const;
  absl::Status Damaged(std::string_view key, std::string_view problem) const;

  const std::string name_;
  const int key_columns_;
  std::string insert_, update_, delete_, find_, select_, sizes_, first_, next_;
  const google::protobuf::Message& prototype_;
};

template <typename Message>
class ProtoTable : public MessageTable {
 public:
  explicit ProtoTable(const TableDefinition& definition) : MessageTable(definition, Message::default_instance()) {}

  // Adds a row at version 1 and sets the etag. ALREADY_EXISTS (without a resource name: the caller says which).
  absl::Status Insert(Transaction& tx, absl::Span<const Value> key, absl::Span<const Value> columns,
                      Versioned<Message>& row) const {
    SetEtag(row.message, 0);
    RETURN_IF_ERROR(InsertRow(tx, key, columns, row.message));
    row.version = 1;
    SetEtag(row.message, row.version);
    return absl::OkStatus();
  }

  // Saves the message over the version it was read at, and sets the new version and etag. Conflicts when somebody was faster.
  absl::Status Update(Transaction& tx, absl::Span<const Value> key, absl::Span<const Value> columns,
                      Versioned<Message>& row) const {
    SetEtag(row.message, 0);
    RETURN_IF_ERROR(UpdateRow(tx, key, columns, row.version, row.message));
    SetEtag(row.message, ++row.version);
    return absl::OkStatus();
  }

  // Removes the row that was read. Conflicts when somebody was faster.
  absl::Status Delete(Transaction& tx, absl::Span<const Value> key, const Versioned<Message>& row) const {
    return DeleteRow(tx, key, row.version);
  }

  // The row with this key, if there is one.
  absl::StatusOr<std::optional<Versioned<Message>>> Find(Transaction& tx, absl::Span<const Value> key) const {
    Versioned<Message> row;
    ASSIGN_OR_RETURN(const bool found, FindRow(tx, key, row.message, row.version));
    if (!found) {
      return std::nullopt;
    }
    SetEtag(row.message, row.version);
    return row;
  }

  // The same; NOT_FOUND, naming `resource`, when there is none.
  absl::StatusOr<Versioned<Message>> Load(Transaction& tx, absl::Span<const Value> key,
                                          std::string_view resource) const {
    ASSIGN_OR_RETURN(std::optional<Versioned<Message>> row, Find(tx, key));
    if (!row) {
      return base::NotFound(resource);
    }
    return *std::move(row);
  }

  // The rows that `tail` selects: "WHERE body = ? AND state = ? ORDER BY inspection LIMIT ?". It may begin with a JOIN; columns that
  // both tables have are then written with the table's name.
  absl::StatusOr<std::vector<Versioned<Message>>> Select(Transaction& tx, std::string_view tail,
                                                         absl::Span<const Value> values) const {
    std::vector<Versioned<Message>> rows;
    RETURN_IF_ERROR(SelectBytes(tx, tail, values, [&](int64_t version, std::string_view content) {
      Versioned<Message>& row = rows.emplace_back();
      row.version = version;
      const bool intact = row.message.ParseFromArray(content.data(), static_cast<int>(content.size()));
      SetEtag(row.message, version);
      return intact;
    }));
    return rows;
  }

  // The first of the rows that `tail` selects, as many as fit into `max_bytes` (one at least). `tail` ends in "LIMIT ?" and its value
  // is the last of `values`. Two queries: not for a Lookup.
  absl::StatusOr<std::vector<Versioned<Message>>> SelectFitting(Transaction& tx, std::string_view tail,
                                                                std::vector<Value> values, size_t max_bytes) const {
    ASSIGN_OR_RETURN(const int count, CountFitting(tx, tail, values, max_bytes));
    if (count == 0) {
      return std::vector<Versioned<Message>>();
    }
    values.back() = Value(count);
    return Select(tx, tail, values);
  }

 private:
  static void SetEtag(Message& message, int64_t version) {
    if constexpr (requires { message.set_etag(std::string()); }) {
      if (version == 0) {
        message.clear_etag();
      } else {
        message.set_etag(base::EtagOf(version));
      }
    }
  }
};

}  // namespace section55::db
