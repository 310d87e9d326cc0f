#include "libs/db/proto_table.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <bit>
#include <memory>
#include <utility>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace section55::db {
namespace {

constexpr std::string_view kMismatch = "does not match its checksum";
constexpr std::string_view kUnreadable = "cannot be parsed";

// What Check holds at a time.
constexpr size_t kCheckedBytes = 8 * 1024 * 1024;

// "a = ? AND b = ?"
std::string Equal(const std::vector<std::string_view>& columns, std::string_view separator) {
  std::string text;
  for (const std::string_view column : columns) {
    text += fmt::format("{}{} = ?", text.empty() ? "" : separator, column);
  }
  return text;
}

// "(a, b) > (?, ?)" in the form that starts at the right place of the index on both engines: "a >= ? AND (a > ? OR b > ?)".
std::string After(const std::vector<std::string_view>& key, size_t from = 0) {
  if (from + 1 == key.size()) {
    return fmt::format("{} > ?", key[from]);
  }
  return fmt::format("{0} >= ? AND ({0} > ? OR ({1}))", key[from], After(key, from + 1));
}

// The values of After.
std::vector<Value> ValuesAfter(const std::vector<std::string>& key) {
  std::vector<Value> values;
  for (const std::string& part : key) {
    values.emplace_back(part);
    values.emplace_back(part);
  }
  values.pop_back();
  return values;
}

std::string Shown(const std::vector<std::string>& key) { return fmt::format("{}", fmt::join(key, "/")); }

std::string Shown(absl::Span<const Value> key) {
  struct Text {
    std::string operator()(std::nullptr_t) const { return "NULL"; }
    std::string operator()(int64_t number) const { return std::to_string(number); }
    std::string operator()(std::string_view text) const { return std::string(text); }
    std::string operator()(Bytes bytes) const { return std::string(bytes.data); }
  };
  std::vector<std::string> texts;
  for (const Value& value : key) {
    texts.push_back(std::visit(Text(), value.get()));
  }
  return Shown(texts);
}

std::vector<Value> Joined(absl::Span<const Value> first, absl::Span<const Value> second, size_t more) {
  std::vector<Value> values;
  values.reserve(first.size() + second.size() + more);
  values.insert(values.end(), first.begin(), first.end());
  values.insert(values.end(), second.begin(), second.end());
  return values;
}

}  // namespace

std::string SerialiseDeterministically(const google::protobuf::MessageLite& message) {
  std::string bytes;
  bytes.reserve(message.ByteSizeLong());
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

int64_t ChecksumOf(std::string_view bytes) { return std::bit_cast<int64_t>(XXH3_64bits(bytes.data(), bytes.size())); }

void CheckContent(std::string_view table, std::string_view key, std::string_view bytes, int64_t checksum,
                  std::vector<Damage>& damage) {
  if (ChecksumOf(bytes) != checksum) {
    damage.push_back({std::string(table), std::string(key), std::string(kMismatch)});
  }
}

MessageTable::MessageTable(const TableDefinition& definition, const google::protobuf::Message& prototype)
    : name_(definition.name), key_columns_(static_cast<int>(definition.key.size())), prototype_(prototype) {
  const auto& [name, key, columns] = definition;
  const std::string is_key = Equal(key, " AND ");
  std::string names, marks, changes, selected, order;
  for (const std::string_view column : key) {
    names += fmt::format("{}, ", column);
    marks += "?, ";
    // Both engines understand this name of a text type.
    selected += fmt::format("CAST({}.{} AS CHAR), ", name, column);
    order += fmt::format("{}{}", order.empty() ? "" : ", ", column);
  }
  for (const std::string_view column : columns) {
    names += fmt::format("{}, ", column);
    marks += "?, ";
    changes += fmt::format("{} = ?, ", column);
  }
  insert_ = fmt::format("INSERT INTO {} ({}version, checksum, content) VALUES ({}1, ?, ?)", name, names, marks);
  update_ = fmt::format("UPDATE {} SET {}version = ?, checksum = ?, content = ? WHERE {} AND version = ?", name,
                        changes, is_key);
  delete_ = fmt::format("DELETE FROM {} WHERE {} AND version = ?", name, is_key);
  find_ = fmt::format("SELECT version, checksum, content FROM {} WHERE {}", name, is_key);
  select_ = fmt::format("SELECT {1}{0}.version, {0}.checksum, {0}.content FROM {0} ", name, selected);
  sizes_ = fmt::format("SELECT LENGTH({0}.content) FROM {0} ", name);
  first_ = fmt::format("ORDER BY {} LIMIT ?", order);
  next_ = fmt::format("WHERE {} ORDER BY {} LIMIT ?", After(key), order);
}

absl::Status MessageTable::Damaged(std::string_view key, std::string_view problem) const {
  return base::Error(absl::StatusCode::kDataLoss, "STORED_DATA_DAMAGED",
                     fmt::format("the row {} of the table {} {}", key, name_, problem));
}

std::vector<std::string> MessageTable::KeyOf(const Row& row) const {
  std::vector<std::string> key;
  key.reserve(key_columns_);
  for (int column = 0; column < key_columns_; ++column) {
    key.emplace_back(row.Text(column));
  }
  return key;
}

absl::Status MessageTable::ReadContent(const Row& row, int checksum_column, int content_column, Values key,
                                       std::string_view& content) const {
  const std::string_view bytes = row.Text(content_column);
  if (ChecksumOf(bytes) != row.Int64(checksum_column)) {
    return Damaged(Shown(key), kMismatch);
  }
  content = bytes;
  return absl::OkStatus();
}

absl::Status MessageTable::InsertRow(Transaction& tx, Values key, Values columns,
                                     const google::protobuf::Message& message) const {
  const std::string content = SerialiseDeterministically(message);
  std::vector<Value> values = Joined(key, columns, 2);
  values.emplace_back(ChecksumOf(content));
  values.emplace_back(Bytes{content});
  return tx.Execute(insert_, values).status();
}

absl::Status MessageTable::UpdateRow(Transaction& tx, Values key, Values columns, int64_t version,
                                     const google::protobuf::Message& message) const {
  const std::string content = SerialiseDeterministically(message);
  std::vector<Value> values = Joined(columns, {}, key.size() + 4);
  values.emplace_back(version + 1);
  values.emplace_back(ChecksumOf(content));
  values.emplace_back(Bytes{content});
  values.insert(values.end(), key.begin(), key.end());
  values.emplace_back(version);
  ASSIGN_OR_RETURN(const int64_t matched, tx.Execute(update_, values));
  return matched == 1 ? absl::OkStatus() : tx.Conflict();
}

absl::Status MessageTable::DeleteRow(Transaction& tx, Values key, int64_t version) const {
  std::vector<Value> values = Joined(key, {}, 1);
  values.emplace_back(version);
  ASSIGN_OR_RETURN(const int64_t matched, tx.Execute(delete_, values));
  return matched == 1 ? absl::OkStatus() : tx.Conflict();
}

absl::StatusOr<bool> MessageTable::FindRow(Transaction& tx, Values key, google::protobuf::Message& message,
                                           int64_t& version) const {
  bool found = false;
  absl::Status damage;
  RETURN_IF_ERROR(tx.Query(find_, key, [&](const Row& row) {
    found = true;
    version = row.Int64(0);
    std::string_view content;
    damage = ReadContent(row, 1, 2, key, content);
    if (damage.ok() && !message.ParseFromArray(content.data(), static_cast<int>(content.size()))) {
      damage = Damaged(Shown(key), kUnreadable);
    }
  }));
  RETURN_IF_ERROR(damage);
  return found;
}

absl::Status MessageTable::SelectBytes(Transaction& tx, std::string_view tail, Values values,
                                       absl::FunctionRef<bool(int64_t version, std::string_view content)> each) const {
  absl::Status damage;
  RETURN_IF_ERROR(tx.Query(select_ + std::string(tail), values, [&](const Row& row) {
    if (!damage.ok()) {
      return;
    }
    const std::string_view content = row.Text(key_columns_ + 2);
    if (ChecksumOf(content) != row.Int64(key_columns_ + 1)) {
      damage = Damaged(Shown(KeyOf(row)), kMismatch);
    } else if (!each(row.Int64(key_columns_), content)) {
      damage = Damaged(Shown(KeyOf(row)), kUnreadable);
    }
  }));
  return damage;
}

absl::StatusOr<int> MessageTable::CountFitting(Transaction& tx, std::string_view tail, Values values,
                                               size_t max_bytes) const {
  int count = 0;
  size_t bytes = 0;
  RETURN_IF_ERROR(tx.Query(sizes_ + std::string(tail), values, [&](const Row& row) {
    bytes += static_cast<size_t>(row.Int64(0));
    count += count == 0 || bytes <= max_bytes ? 1 : 0;
  }));
  return count;
}

absl::StatusOr<int> MessageTable::Check(Transaction& tx, std::vector<std::string>& after, int limit,
                                        std::vector<Damage>& damage) const {
  const std::unique_ptr<google::protobuf::Message> message(prototype_.New());
  int checked = 0;
  while (checked < limit) {
    const std::vector<std::string> from = after;
    std::vector<Value> values = from.empty() ? std::vector<Value>() : ValuesAfter(from);
    values.emplace_back(limit - checked);
    const std::string& tail = from.empty() ? first_ : next_;
    ASSIGN_OR_RETURN(const int fitting, CountFitting(tx, tail, values, kCheckedBytes));
    if (fitting == 0) {
      break;
    }
    values.back() = Value(fitting);
    RETURN_IF_ERROR(tx.Query(select_ + tail, values, [&](const Row& row) {
      after = KeyOf(row);
      ++checked;
      const std::string_view content = row.Text(key_columns_ + 2);
      if (ChecksumOf(content) != row.Int64(key_columns_ + 1)) {
        damage.push_back({name_, Shown(after), std::string(kMismatch)});
      } else if (!message->ParseFromArray(content.data(), static_cast<int>(content.size()))) {
        damage.push_back({name_, Shown(after), std::string(kUnreadable)});
      }
    }));
  }
  return checked;
}

}  // namespace section55::db
