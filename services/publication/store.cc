#include "services/publication/store.h"

#include <fmt/format.h>

#include <limits>

#include "google/protobuf/wrappers.pb.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/calendar/format.h"

namespace section55::publication::store {
namespace {

// Instead of NULL, which compares with nothing.
constexpr std::string_view kUntilFurtherNotice = "9999-12-31";

std::string NameOf(const Key& key) { return base::MakeName(base::kPublicationName, {key.body, key.inspection}); }

std::string_view LastPart(std::string_view name) { return name.substr(name.rfind('/') + 1); }

using google::protobuf::BytesValue;

const db::ProtoTable<v1::PublicationRecord>& Publications() {
  static const db::ProtoTable<v1::PublicationRecord> table(
      {.name = "publications", .key = {"body", "inspection"}, .columns = {"edition", "published_time"}});
  return table;
}

const db::ProtoTable<BytesValue>& Renditions() {
  static const db::ProtoTable<BytesValue> table(
      {.name = "renditions", .key = {"body", "inspection", "format", "edition"}, .columns = {"bytes"}});
  return table;
}

const db::ProtoTable<v1::Copy>& Copies() {
  static const db::ProtoTable<v1::Copy> table(
      {.name = "copies", .key = {"body", "inspection", "edition", "kind", "copy_id"}, .columns = {}});
  return table;
}

const db::ProtoTable<v1::Recipient>& Recipients() {
  static const db::ProtoTable<v1::Recipient> table(
      {.name = "recipients", .key = {"recipient"}, .columns = {"body", "valid_from", "valid_to"}});
  return table;
}

const db::ProtoTable<registry::v1::Inspection>& Reports() {
  static const db::ProtoTable<registry::v1::Inspection> table(
      {.name = "reports", .key = {"inspection", "report"}, .columns = {}});
  return table;
}

const db::ProtoTable<authoring::v1::Response>& Approvals() {
  static const db::ProtoTable<authoring::v1::Response> table({.name = "approvals",
                                                              .key = {"body", "inspection", "edition"},
                                                              .columns = {"report", "approval_event", "refused"}});
  return table;
}

template <typename Message>
absl::StatusOr<std::vector<Message>> MessagesOf(absl::StatusOr<std::vector<db::Versioned<Message>>> rows) {
  RETURN_IF_ERROR(rows.status());
  std::vector<Message> messages;
  messages.reserve(rows->size());
  for (db::Versioned<Message>& row : *rows) {
    messages.push_back(std::move(row.message));
  }
  return messages;
}

absl::StatusOr<std::string> OneRendition(const Key& key, absl::StatusOr<std::vector<db::Versioned<BytesValue>>> rows) {
  RETURN_IF_ERROR(rows.status());
  if (rows->empty()) {
    return base::NotFound(NameOf(key));
  }
  return std::move(*rows->front().message.mutable_value());
}

// Keeps a wording of the report that is not here yet, and returns what it is found by.
absl::StatusOr<std::string> SaveReport(db::Transaction& tx, const Key& key, registry::v1::Inspection report) {
  report.clear_etag();  // the registry's, and no part of the wording
  const std::string hash = base::Sha256Hex(db::SerialiseDeterministically(report));
  const auto found = Reports().Find(tx, {key.inspection, hash});
  if (found.ok() && *found) {
    return hash;
  }
  if (absl::IsDataLoss(found.status())) {
    // What is at hand is whole: it takes the place of what is damaged.
    RETURN_IF_ERROR(
        tx.Execute("DELETE FROM reports WHERE inspection = ? AND report = ?", {key.inspection, hash}).status());
  } else {
    RETURN_IF_ERROR(found.status());
  }
  db::Versioned<registry::v1::Inspection> row{std::move(report)};
  const absl::Status inserted = Reports().Insert(tx, {key.inspection, hash}, {}, row);
  if (!absl::IsAlreadyExists(inserted)) {  // another replica was faster: the same
    RETURN_IF_ERROR(inserted);
  }
  return hash;
}

}  // namespace

std::vector<const db::MessageTable*> Tables() {
  return {&Publications(), &Renditions(), &Copies(), &Recipients(), &Reports(), &Approvals()};
}

absl::StatusOr<bool> SaveApproval(db::Transaction& tx, const Key& key, const authoring::v1::Response& approved,
                                  std::string_view event) {
  bool here = false, counts = true;
  RETURN_IF_ERROR(
      tx.Query("SELECT approval_event, refused FROM approvals WHERE body = ? AND inspection = ? AND edition = ?",
               {key.body, key.inspection, approved.edition()}, [&](const db::Row& row) {
                 here = true;
                 counts = row.Int64(1) != 0 && row.Text(0) != event;
               }));
  if (!counts) {
    return false;
  }
  if (here) {
    RETURN_IF_ERROR(tx.Execute("DELETE FROM approvals WHERE body = ? AND inspection = ? AND edition = ?",
                               {key.body, key.inspection, approved.edition()})
                        .status());
  }
  ASSIGN_OR_RETURN(const std::string report, SaveReport(tx, key, approved.report()));
  db::Versioned<authoring::v1::Response> row{approved};
  row.message.clear_report();
  RETURN_IF_ERROR(Approvals().Insert(tx, {key.body, key.inspection, approved.edition()}, {report, event, 0}, row));
  return true;
}

absl::StatusOr<authoring::v1::Response> LoadApproval(db::Transaction& tx, const Key& key, int64_t edition) {
  std::optional<std::string> report;
  RETURN_IF_ERROR(
      tx.Query("SELECT report FROM approvals WHERE body = ? AND inspection = ? AND edition = ? AND refused = 0",
               {key.body, key.inspection, edition}, [&](const db::Row& row) { report = std::string(row.Text(0)); }));
  const std::string name = fmt::format("{}/editions/{}", NameOf(key), edition);
  if (!report) {
    return base::NotFound(name);
  }
  ASSIGN_OR_RETURN(db::Versioned<authoring::v1::Response> approval,
                   Approvals().Load(tx, {key.body, key.inspection, edition}, name));
  ASSIGN_OR_RETURN(
      db::Versioned<registry::v1::Inspection> stored,
      Reports().Load(tx, {key.inspection, *report}, base::MakeName(base::kInspectionName, {key.inspection})));
  *approval.message.mutable_report() = std::move(stored.message);
  // Of these rows, and no part of what was approved.
  approval.message.clear_etag();
  approval.message.mutable_report()->clear_etag();
  return std::move(approval.message);
}

absl::Status RefuseApproval(db::Transaction& tx, const Key& key, int64_t edition) {
  // By its columns alone: what was approved may be the very thing that cannot be read.
  return tx
      .Execute("UPDATE approvals SET refused = 1 WHERE body = ? AND inspection = ? AND edition = ?",
               {key.body, key.inspection, edition})
      .status();
}

absl::StatusOr<std::vector<ApprovalPlace>> ApprovalsAfter(db::Transaction& tx, const ApprovalPlace& after, int limit) {
  std::vector<ApprovalPlace> places;
  RETURN_IF_ERROR(tx.Query(
      "SELECT body, inspection, edition, approval_event FROM approvals WHERE refused = 0 AND body >= ? AND "
      "(body > ? OR inspection > ? OR (inspection = ? AND edition > ?)) ORDER BY body, inspection, edition LIMIT ?",
      {after.key.body, after.key.body, after.key.inspection, after.key.inspection, after.edition, limit},
      [&](const db::Row& row) {
        places.push_back(
            {{std::string(row.Text(0)), std::string(row.Text(1))}, row.Int64(2), std::string(row.Text(3))});
      }));
  return places;
}

absl::Status RememberInstant(db::Transaction& tx, const Key& key, int64_t edition, absl::Time published) {
  const absl::Status added =
      tx.Execute("INSERT INTO remembered_instants (body, inspection, edition, published_time) VALUES (?, ?, ?, ?)",
                 {key.body, key.inspection, edition, base::ToMicros(published)})
          .status();
  return absl::IsAlreadyExists(added) ? absl::OkStatus() : added;
}

absl::StatusOr<std::optional<absl::Time>> RememberedInstant(db::Transaction& tx, const Key& key, int64_t edition) {
  std::optional<absl::Time> instant;
  RETURN_IF_ERROR(tx.Query(
      "SELECT published_time FROM remembered_instants WHERE body = ? AND inspection = ? AND edition = ?",
      {key.body, key.inspection, edition}, [&](const db::Row& row) { instant = base::FromMicros(row.Int64(0)); }));
  return instant;
}

absl::Status SavePublication(db::Transaction& tx, const Key& key, const v1::PublicationRecord& record) {
  const int64_t published = base::ToMicros(base::FromTimestamp(record.edition_published_time()));
  ASSIGN_OR_RETURN(std::optional<db::Versioned<v1::PublicationRecord>> row,
                   Publications().Find(tx, {key.body, key.inspection}));
  if (row) {
    row->message = record;
    return Publications().Update(tx, {key.body, key.inspection}, {record.edition(), published}, *row);
  }
  db::Versioned<v1::PublicationRecord> added{record};
  return Publications().Insert(tx, {key.body, key.inspection}, {record.edition(), published}, added);
}

absl::StatusOr<std::optional<v1::PublicationRecord>> FindPublication(db::Transaction& tx, const Key& key) {
  ASSIGN_OR_RETURN(std::optional<db::Versioned<v1::PublicationRecord>> row,
                   Publications().Find(tx, {key.body, key.inspection}));
  return row ? std::optional(std::move(row->message)) : std::nullopt;
}

absl::StatusOr<v1::PublicationRecord> LoadPublication(db::Transaction& tx, const Key& key) {
  ASSIGN_OR_RETURN(db::Versioned<v1::PublicationRecord> row,
                   Publications().Load(tx, {key.body, key.inspection}, NameOf(key)));
  return std::move(row.message);
}

PublicationPlace PlaceOf(const v1::PublicationRecord& record) {
  const auto ids = base::ParseName(record.name(), base::kPublicationName).value();
  return {base::ToMicros(base::FromTimestamp(record.edition_published_time())), {ids[0], ids[1]}};
}

absl::StatusOr<std::vector<v1::PublicationRecord>> ListPublications(db::Transaction& tx,
                                                                    const PublicationQuery& query) {
  // The time alone bounds every page, the first one too, so that both engines seek in an index and read on in its order.
  std::string sql = "WHERE published_time <= ?";
  std::vector<db::Value> values = {query.after ? query.after->published_micros : std::numeric_limits<int64_t>::max()};
  if (!query.body.empty()) {
    sql += " AND body = ?";
    values.emplace_back(query.body);
  }
  if (!query.inspection.empty()) {
    sql += " AND inspection = ?";
    values.emplace_back(query.inspection);
  }
  if (query.after) {
    sql += " AND (published_time, body, inspection) < (?, ?, ?)";
    values.emplace_back(query.after->published_micros);
    values.emplace_back(query.after->key.body);
    values.emplace_back(query.after->key.inspection);
  }
  sql += " ORDER BY published_time DESC, body DESC, inspection DESC LIMIT ?";
  values.emplace_back(query.limit);
  return MessagesOf(Publications().Select(tx, sql, values));
}

absl::Status SaveRendition(db::Transaction& tx, const Key& key, int64_t edition, Format format,
                           std::string_view bytes) {
  const int64_t form = format;
  db::Versioned<BytesValue> row;
  row.message.set_value(std::string(bytes));
  RETURN_IF_ERROR(
      tx.Query("SELECT version FROM renditions WHERE body = ? AND inspection = ? AND format = ? AND edition = ?",
               {key.body, key.inspection, form, edition}, [&](const db::Row& found) { row.version = found.Int64(0); }));
  const auto size = static_cast<int64_t>(bytes.size());
  return row.version == 0 ? Renditions().Insert(tx, {key.body, key.inspection, form, edition}, {size}, row)
                          : Renditions().Update(tx, {key.body, key.inspection, form, edition}, {size}, row);
}

absl::StatusOr<bool> HasRendition(db::Transaction& tx, const Key& key, int64_t edition) {
  bool found = false;
  RETURN_IF_ERROR(
      tx.Query("SELECT version FROM renditions WHERE body = ? AND inspection = ? AND format = ? AND edition = ?",
               {key.body, key.inspection, static_cast<int64_t>(v1::GetRenditionRequest::HTML), edition},
               [&](const db::Row&) { found = true; }));
  return found;
}

absl::StatusOr<std::string> LoadRendition(db::Transaction& tx, const Key& key, Format format) {
  return OneRendition(
      key, Renditions().Select(tx,
                               "JOIN publications ON publications.body = renditions.body"
                               " AND publications.inspection = renditions.inspection"
                               " AND publications.edition = renditions.edition"
                               " WHERE renditions.body = ? AND renditions.inspection = ? AND renditions.format = ?",
                               {key.body, key.inspection, static_cast<int64_t>(format)}));
}

absl::StatusOr<std::string> LoadNewestRendition(db::Transaction& tx, const Key& key, Format format) {
  return OneRendition(key, Renditions().Select(tx,
                                               "WHERE body = ? AND inspection = ? AND format = ?"
                                               " ORDER BY edition DESC LIMIT 1",
                                               {key.body, key.inspection, static_cast<int64_t>(format)}));
}

absl::StatusOr<Sizes> NewestSizes(db::Transaction& tx, const Key& key) {
  int64_t newest = 0;
  Sizes sizes;
  const int64_t last = v1::GetRenditionRequest::Format_MAX;
  RETURN_IF_ERROR(tx.Query(
      "SELECT format, edition, bytes FROM renditions WHERE body = ? AND inspection = ? AND format BETWEEN 1 AND ?"
      " ORDER BY edition DESC, format",
      {key.body, key.inspection, last}, [&](const db::Row& row) {
        newest = newest == 0 ? row.Int64(1) : newest;
        if (row.Int64(1) == newest) {
          sizes.emplace(static_cast<Format>(row.Int64(0)), row.Int64(2));
        }
      }));
  return sizes;
}

absl::Status InsertCopy(db::Transaction& tx, const Key& key, const v1::Copy& copy) {
  const CopyPlace place = PlaceOf(copy);
  db::Versioned<v1::Copy> row{copy};
  return Copies().Insert(tx, {key.body, key.inspection, place.edition, place.kind, place.copy_id}, {}, row);
}

CopyPlace PlaceOf(const v1::Copy& copy) {
  const auto ids =
      base::ParseName(copy.name(), "bodies/{body}/publications/{inspection}/editions/{n}/copies/{copy}").value();
  return {std::stoll(ids[2]), copy.recipient_kind(), ids[3]};
}

absl::StatusOr<std::vector<v1::Copy>> ListCopies(db::Transaction& tx, const Key& key, const CopyPlace& after,
                                                 int limit) {
  return MessagesOf(Copies().Select(tx,
                                    "WHERE body = ? AND inspection = ? AND (edition, kind, copy_id) > (?, ?, ?)"
                                    " ORDER BY edition, kind, copy_id LIMIT ?",
                                    {key.body, key.inspection, after.edition, after.kind, after.copy_id, limit}));
}

absl::Status InsertRecipient(db::Transaction& tx, const v1::Recipient& recipient) {
  const auto from = base::ToCivilDay(recipient.valid_from());
  const auto to = base::ToCivilDay(recipient.valid_to());
  const std::string valid_from = from ? calendar::IsoDate(*from) : "";
  const std::string valid_to = to ? calendar::IsoDate(*to) : std::string(kUntilFurtherNotice);
  db::Versioned<v1::Recipient> row{recipient};
  const absl::Status inserted =
      Recipients().Insert(tx, {LastPart(recipient.name())}, {LastPart(recipient.body()), valid_from, valid_to}, row);
  return absl::IsAlreadyExists(inserted) ? base::AlreadyExists(recipient.name()) : inserted;
}

absl::StatusOr<std::vector<v1::Recipient>> ListRecipients(db::Transaction& tx, std::string_view after, int limit) {
  return MessagesOf(Recipients().Select(tx, "WHERE recipient > ? ORDER BY recipient LIMIT ?", {after, limit}));
}

absl::StatusOr<std::vector<v1::Recipient>> RecipientsOn(db::Transaction& tx, std::string_view body,
                                                        absl::CivilDay day) {
  const std::string date = calendar::IsoDate(day);
  return MessagesOf(Recipients().Select(
      tx, "WHERE body IN ('', ?) AND valid_from <= ? AND valid_to >= ? ORDER BY recipient", {body, date, date}));
}

}  // namespace section55::publication::store
