#include "services/publication/store.h"

#include <fmt/format.h>

#include "libs/base/clock.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/calendar/format.h"

namespace section55::publication::store {
namespace {

// Instead of NULL, which compares with nothing.
constexpr std::string_view kUntilFurtherNotice = "9999-12-31";

std::string NameOf(const Key& key) { return fmt::format("bodies/{}/publications/{}", key.body, key.inspection); }

std::string_view LastPart(std::string_view name) { return name.substr(name.rfind('/') + 1); }

// Reads the column `content` of rows into messages. The rows are all read, so that a row that is no message is an error
// and not a gap in a list.
template <typename Message>
absl::StatusOr<std::vector<Message>> ReadMessages(db::Transaction& tx, std::string_view sql,
                                                  absl::Span<const db::Value> values) {
  std::vector<Message> messages;
  bool readable = true;
  RETURN_IF_ERROR(tx.Query(sql, values, [&](const db::Row& row) {
    const std::string_view content = row.Text(0);
    readable &= messages.emplace_back().ParseFromArray(content.data(), static_cast<int>(content.size()));
  }));
  if (!readable) {
    return absl::DataLossError(fmt::format("a stored {} cannot be read", Message::descriptor()->full_name()));
  }
  return messages;
}

}  // namespace

absl::Status SavePublication(db::Transaction& tx, const Key& key, const v1::PublicationRecord& record) {
  const std::string content = record.SerializeAsString();
  const int64_t published = base::ToMicros(base::FromTimestamp(record.published_time()));
  ASSIGN_OR_RETURN(const int64_t updated,
                   tx.Execute("UPDATE publications SET edition = ?, published_time = ?, content = ?"
                              " WHERE body = ? AND inspection = ?",
                              {record.edition(), published, db::Bytes{content}, key.body, key.inspection}));
  if (updated > 0) {
    return absl::OkStatus();
  }
  return tx
      .Execute("INSERT INTO publications (body, inspection, edition, published_time, content) VALUES (?, ?, ?, ?, ?)",
               {key.body, key.inspection, record.edition(), published, db::Bytes{content}})
      .status();
}

absl::StatusOr<std::optional<v1::PublicationRecord>> FindPublication(db::Transaction& tx, const Key& key) {
  ASSIGN_OR_RETURN(
      std::vector<v1::PublicationRecord> found,
      ReadMessages<v1::PublicationRecord>(tx, "SELECT content FROM publications WHERE body = ? AND inspection = ?",
                                          {key.body, key.inspection}));
  return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

absl::StatusOr<v1::PublicationRecord> LoadPublication(db::Transaction& tx, const Key& key) {
  ASSIGN_OR_RETURN(std::optional<v1::PublicationRecord> found, FindPublication(tx, key));
  if (!found) {
    return base::NotFound(NameOf(key));
  }
  return *std::move(found);
}

PublicationPlace PlaceOf(const v1::PublicationRecord& record) {
  const auto ids = base::ParseName(record.name(), "bodies/{body}/publications/{inspection}").value();
  return {base::ToMicros(base::FromTimestamp(record.published_time())), {ids[0], ids[1]}};
}

absl::StatusOr<std::vector<v1::PublicationRecord>> ListPublications(db::Transaction& tx,
                                                                    const PublicationQuery& query) {
  std::string sql = "SELECT content FROM publications WHERE 1 = 1";
  std::vector<db::Value> values;
  if (!query.body.empty()) {
    sql += " AND body = ?";
    values.emplace_back(query.body);
  }
  if (!query.inspection.empty()) {
    sql += " AND inspection = ?";
    values.emplace_back(query.inspection);
  }
  if (query.after) {
    // The first condition follows from the second; MySQL seeks in the index by it alone.
    sql += " AND published_time <= ? AND (published_time, body, inspection) < (?, ?, ?)";
    values.emplace_back(query.after->published_micros);
    values.emplace_back(query.after->published_micros);
    values.emplace_back(query.after->key.body);
    values.emplace_back(query.after->key.inspection);
  }
  sql += " ORDER BY published_time DESC, body DESC, inspection DESC LIMIT ?";
  values.emplace_back(query.limit);
  return ReadMessages<v1::PublicationRecord>(tx, sql, values);
}

absl::Status InsertRendition(db::Transaction& tx, const Key& key, int edition, Format format,
                             std::string_view content) {
  return tx
      .Execute("INSERT INTO renditions (body, inspection, edition, format, content) VALUES (?, ?, ?, ?, ?)",
               {key.body, key.inspection, edition, static_cast<int64_t>(format), db::Bytes{content}})
      .status();
}

absl::StatusOr<std::string> LoadRendition(db::Transaction& tx, const Key& key, Format format) {
  std::optional<std::string> content;
  RETURN_IF_ERROR(
      tx.Query("SELECT r.content FROM publications p JOIN renditions r"
               " ON r.body = p.body AND r.inspection = p.inspection AND r.edition = p.edition"
               " WHERE p.body = ? AND p.inspection = ? AND r.format = ?",
               {key.body, key.inspection, static_cast<int64_t>(format)},
               [&](const db::Row& row) { content = std::string(row.Text(0)); }));
  if (!content) {
    return base::NotFound(NameOf(key));
  }
  return *std::move(content);
}

absl::Status InsertCopy(db::Transaction& tx, const Key& key, const v1::Copy& copy) {
  const CopyPlace place = PlaceOf(copy);
  const std::string content = copy.SerializeAsString();
  return tx
      .Execute("INSERT INTO copies (body, inspection, edition, kind, copy_id, content) VALUES (?, ?, ?, ?, ?, ?)",
               {key.body, key.inspection, place.edition, place.kind, place.copy_id, db::Bytes{content}})
      .status();
}

CopyPlace PlaceOf(const v1::Copy& copy) {
  const auto ids =
      base::ParseName(copy.name(), "bodies/{body}/publications/{inspection}/editions/{n}/copies/{copy}").value();
  return {std::stoll(ids[2]), copy.recipient_kind(), ids[3]};
}

absl::StatusOr<std::vector<v1::Copy>> ListCopies(db::Transaction& tx, const Key& key, const CopyPlace& after,
                                                 int limit) {
  return ReadMessages<v1::Copy>(
      tx,
      "SELECT content FROM copies WHERE body = ? AND inspection = ? AND (edition, kind, copy_id) > (?, ?, ?)"
      " ORDER BY edition, kind, copy_id LIMIT ?",
      {key.body, key.inspection, after.edition, after.kind, after.copy_id, limit});
}

absl::Status InsertRecipient(db::Transaction& tx, const v1::Recipient& recipient) {
  const auto from = base::ToCivilDay(recipient.valid_from());
  const auto to = base::ToCivilDay(recipient.valid_to());
  const std::string valid_from = from ? calendar::IsoDate(*from) : "";
  const std::string valid_to = to ? calendar::IsoDate(*to) : std::string(kUntilFurtherNotice);
  const std::string content = recipient.SerializeAsString();
  const absl::Status inserted =
      tx.Execute("INSERT INTO recipients (recipient, body, valid_from, valid_to, content) VALUES (?, ?, ?, ?, ?)",
                 {LastPart(recipient.name()), LastPart(recipient.body()), valid_from, valid_to, db::Bytes{content}})
          .status();
  return absl::IsAlreadyExists(inserted) ? base::AlreadyExists(recipient.name()) : inserted;
}

absl::StatusOr<std::vector<v1::Recipient>> ListRecipients(db::Transaction& tx, std::string_view after, int limit) {
  return ReadMessages<v1::Recipient>(
      tx, "SELECT content FROM recipients WHERE recipient > ? ORDER BY recipient LIMIT ?", {after, limit});
}

absl::StatusOr<std::vector<v1::Recipient>> RecipientsOn(db::Transaction& tx, std::string_view body,
                                                        absl::CivilDay day) {
  const std::string date = calendar::IsoDate(day);
  return ReadMessages<v1::Recipient>(
      tx,
      "SELECT content FROM recipients WHERE body IN ('', ?) AND valid_from <= ? AND valid_to >= ? ORDER BY recipient",
      {body, date, date});
}

}  // namespace section55::publication::store
