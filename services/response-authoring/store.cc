#include "services/response-authoring/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "services/response-authoring/parts.h"
#include "services/response-authoring/store_comments.h"
#include "services/response-authoring/store_drafts.h"
#include "services/response-authoring/views.h"

namespace section55::authoring::store {
namespace {

using Table = db::ProtoTable<v1::Response>;

// In the place of a response's last change once another has been worked out, which gets its id only when it is written.
constexpr int64_t kSpent = -1;

const Table& Responses() {
  static const Table table({.name = "responses", .key = {"body", "inspection"}, .columns = {}});
  return table;
}

const Table& Summaries() {
  static const Table table({.name = "response_summaries", .key = {"body", "inspection"}, .columns = {}});
  return table;
}

const Table& Reports() {
  static const Table table(
      {.name = "reports", .key = {"inspection", "revision"}, .columns = {"facts_checksum", "facts"}});
  return table;
}

const Table& Facts() {
  static const Table table({.name = "report_facts", .key = {"inspection", "revision"}, .columns = {}});
  return table;
}

const db::ProtoTable<registry::v1::BodyRegistered>& RegisteredBodies() {
  static const db::ProtoTable<registry::v1::BodyRegistered> table(
      {.name = "registered_bodies", .key = {"body"}, .columns = {}});
  return table;
}

// A force is wrapped in an event, so that it keeps the etag that the registry gave it.
const db::ProtoTable<registry::v1::ForceChanged>& RegisteredForces() {
  static const db::ProtoTable<registry::v1::ForceChanged> table(
      {.name = "registered_forces", .key = {"force_id"}, .columns = {}});
  return table;
}

// Where a message stands in a row: its column, that of its checksum, and the table that answers for it.
struct Place {
  std::string_view column, checksum;
  const Table& table;
};

// LEFT, so that both engines begin with the responses, in the order asked for.
constexpr std::string_view kFrom =
    "FROM responses r LEFT JOIN reports p ON p.inspection = r.inspection AND p.revision = r.revision";

// From where a response and its report are read; the SQL is put together once.
struct Source {
  Source(const Place& response, const Place& report)
      : response_table(response.table),
        report_table(report.table),
        select(fmt::format("SELECT r.body, r.inspection, r.force_id, r.state, r.revision, r.version, r.history, "
                           "r.revisions, {}, {}, {}, {} {} ",
                           response.checksum, response.column, report.checksum, report.column, kFrom)),
        select_one(select + "WHERE r.body = ? AND r.inspection = ?"),
        select_sizes(fmt::format("SELECT LENGTH({}) + LENGTH({}) {} ", response.column, report.column, kFrom)) {}

  const Table& response_table;
  const Table& report_table;
  const std::string select, select_one, select_sizes;
};

const Place& Content() {
  static const Place place = {"r.content", "r.checksum", Responses()};
  return place;
}

const Place& ReportFacts() {
  static const Place place = {"p.facts", "p.facts_checksum", Facts()};
  return place;
}

const Source& SourceOf(v1::ResponseView view) {
  static const Source full(Content(), {"p.content", "p.checksum", Reports()});
  static const Source basic({"r.summary", "r.summary_checksum", Summaries()}, ReportFacts());
  return view == v1::RESPONSE_VIEW_BASIC ? basic : full;
}

// A change works on the whole response and mostly does without the findings.
const Source& SourceOf(ReportForm form) {
  static const Source change(Content(), ReportFacts());
  return form == ReportForm::kFacts ? change : SourceOf(v1::RESPONSE_VIEW_FULL);
}

std::string NameOf(std::string_view body, std::string_view inspection) {
  return base::MakeName(base::kResponseName, {body, inspection});
}

std::string LastPart(std::string_view name) { return std::string(name.substr(name.rfind('/') + 1)); }

absl::Status Unreadable(const ResponseBytes& bytes) {
  return base::Error(absl::StatusCode::kDataLoss, "STORED_DATA_DAMAGED",
                     fmt::format("the stored response {} cannot be read", NameOf(bytes.body, bytes.inspection)));
}

// Hands over the rows of a Select. Ends with the first error of a row.
absl::Status ReadRows(db::Transaction& tx, const Source& source, std::string_view sql,
                      absl::Span<const db::Value> values, ReadBytes read, StoredResponse* stored = nullptr) {
  absl::Status status;
  RETURN_IF_ERROR(tx.Query(sql, values, [&](const db::Row& row) {
    if (!status.ok()) {
      return;
    }
    ResponseBytes bytes;
    bytes.body = row.Text(0);
    bytes.inspection = row.Text(1);
    bytes.force = row.Text(2);
    bytes.state = static_cast<v1::Response::State>(row.Int64(3));
    bytes.version = row.Int64(5);
    if (stored != nullptr) {
      stored->revision = row.Int64(4);
      stored->history = row.Int64(6);
      stored->revisions = row.Int64(7);
    }
    status = source.response_table.ReadContent(row, 8, 9, {bytes.body, bytes.inspection}, bytes.content);
    if (status.ok()) {
      // A report that is missing has NULLs, and no checksum of 0.
      status = source.report_table.ReadContent(row, 10, 11, {bytes.inspection, row.Int64(4)}, bytes.report);
    }
    if (status.ok()) {
      status = read(bytes);
    }
  }));
  return status;
}

// The condition and order of a range, with its values: "WHERE ... ORDER BY ... LIMIT ?".
std::string TailOf(const Range& range, int limit, std::vector<db::Value>& values) {
  std::string sql = "WHERE ";
  const auto where = [&](std::string_view condition, db::Value value) {
    sql += fmt::format("{} ? AND ", condition);
    values.push_back(value);
  };
  if (!range.inspection.empty()) {
    where("r.inspection =", range.inspection);
  }
  if (range.state) {
    where("r.state =", *range.state);
  }
  if (!range.body.empty()) {
    where("r.body =", range.body);
    sql += "r.inspection > ? ";
    values.emplace_back(range.after_body == range.body ? std::string_view(range.after_inspection) : "");
  } else {
    sql += "r.body > ? ";
    values.emplace_back(range.after_body);
  }
  sql += "ORDER BY r.body, r.inspection LIMIT ?";
  values.emplace_back(limit);
  return sql;
}

// Runs `query` on the one or two stretches of an index that make a range, for as long as rows are wanted: of everybody's after a key, first
// the rest of the body, then those behind. In one condition, both engines would look through all of the body's rows before the key.
// `query` gives how many rows it found.
absl::Status ForStretches(const Range& range, int limit,
                          absl::FunctionRef<absl::StatusOr<int>(const Range& stretch, int limit)> query) {
  if (range.body.empty() && !range.after_body.empty()) {
    Range rest = range;
    rest.body = range.after_body;
    ASSIGN_OR_RETURN(const int found, query(rest, limit));
    limit -= found;
  }
  return limit > 0 ? query(range, limit).status() : absl::OkStatus();
}

// Adds the history of a change under these ids, in as few statements as a handful of prepared texts allow.
absl::Status InsertHistory(db::Transaction& tx, const Save& save, const std::vector<int64_t>& ids) {
  constexpr size_t kMostRows = 64;
  const int64_t version = save.version + 1;
  for (size_t done = 0; done < save.history.size();) {
    const size_t rows = std::bit_floor(std::min(save.history.size() - done, kMostRows));
    std::string sql =
        "INSERT INTO part_history (id, previous, body, inspection, part, revision, version, actor, time_us, begun_us, "
        "checksum, content) VALUES ";
    std::vector<db::Value> values;
    values.reserve(12 * rows);
    for (size_t i = 0; i < rows; ++i) {
      const Save::Part& part = save.history[done + i];
      const int64_t previous = done + i == 0 ? save.history_before : ids[done + i - 1];
      sql += i == 0 ? "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" : ", (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
      values.insert(values.end(),
                    {ids[done + i], previous, save.body, save.inspection, part.part, save.revisions, version,
                     save.actor, save.time_us, save.begun_us, part.checksum, db::Bytes{part.content}});
    }
    const absl::Status inserted = tx.Execute(sql, values).status();
    if (absl::IsAlreadyExists(inserted)) {
      return tx.Conflict();  // another process had the same id
    }
    RETURN_IF_ERROR(inserted);
    done += rows;
  }
  return absl::OkStatus();
}

// An autosave takes the place of the one before it.
absl::Status GoOn(db::Transaction& tx, const Save& save) {
  const Save::Part& part = save.history.front();
  return tx
      .Execute("UPDATE part_history SET version = ?, time_us = ?, checksum = ?, content = ? WHERE id = ?",
               {save.version + 1, save.time_us, part.checksum, db::Bytes{part.content}, save.history_before})
      .status();
}

// Whether the bytes are the fields of some message, end to end.
bool IsMessage(std::string_view bytes) {
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()),
                                               static_cast<int>(bytes.size()));
  return google::protobuf::internal::WireFormatLite::SkipMessage(&input) && input.ConsumedEntireMessage();
}

bool MergeBytes(std::string_view bytes, google::protobuf::MessageLite& message) {
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()),
                                               static_cast<int>(bytes.size()));
  return message.MergeFromCodedStream(&input) && input.ConsumedEntireMessage();
}

bool MergeBytes(std::string_view bytes, google::protobuf::UnknownFieldSet& fields) {
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()),
                                               static_cast<int>(bytes.size()));
  return fields.MergeFromCodedStream(&input) && input.ConsumedEntireMessage();
}

}  // namespace

std::vector<const db::MessageTable*> Tables() {
  return {&Responses(),        &Summaries(),        &Reports(),  &Facts(), &PartHistory(),
          &RegisteredBodies(), &RegisteredForces(), &Comments(), &Drafts()};
}

absl::Status SaveBody(db::Transaction& tx, std::string_view body, std::string_view force) {
  ASSIGN_OR_RETURN(const int64_t matched, tx.Execute("UPDATE bodies SET force_id = ? WHERE body = ?", {force, body}));
  if (matched == 0) {
    RETURN_IF_ERROR(tx.Execute("INSERT INTO bodies (body, force_id) VALUES (?, ?)", {body, force}).status());
  }
  return absl::OkStatus();
}

absl::Status KeepBody(db::Transaction& tx, const registry::v1::Body& body, const registry::v1::Force& force) {
  const std::string id = LastPart(body.name());
  ASSIGN_OR_RETURN(std::optional<db::Versioned<registry::v1::BodyRegistered>> row, RegisteredBodies().Find(tx, {id}));
  db::Versioned<registry::v1::BodyRegistered> kept =
      row ? *std::move(row) : db::Versioned<registry::v1::BodyRegistered>();
  *kept.message.mutable_body() = body;
  if (!force.name().empty()) {
    *kept.message.mutable_force() = force;
  }
  return kept.version > 0 ? RegisteredBodies().Update(tx, {id}, {}, kept)
                          : RegisteredBodies().Insert(tx, {id}, {}, kept);
}

absl::Status KeepForce(db::Transaction& tx, const registry::v1::Force& force) {
  if (force.name().empty()) {
    return absl::OkStatus();
  }
  const std::string id = LastPart(force.name());
  ASSIGN_OR_RETURN(std::optional<db::Versioned<registry::v1::ForceChanged>> row, RegisteredForces().Find(tx, {id}));
  db::Versioned<registry::v1::ForceChanged> kept = row ? *std::move(row) : db::Versioned<registry::v1::ForceChanged>();
  *kept.message.mutable_force() = force;
  return kept.version > 0 ? RegisteredForces().Update(tx, {id}, {}, kept)
                          : RegisteredForces().Insert(tx, {id}, {}, kept);
}

absl::StatusOr<std::vector<registry::v1::BodyRegistered>> BodiesAfter(db::Transaction& tx, std::string_view after,
                                                                      int limit) {
  ASSIGN_OR_RETURN(auto rows, RegisteredBodies().Select(tx, "WHERE body > ? ORDER BY body LIMIT ?", {after, limit}));
  std::vector<registry::v1::BodyRegistered> bodies;
  for (auto& row : rows) {
    bodies.push_back(std::move(row.message));
  }
  return bodies;
}

absl::StatusOr<std::vector<registry::v1::Force>> ForcesAfter(db::Transaction& tx, std::string_view after, int limit) {
  ASSIGN_OR_RETURN(auto rows,
                   RegisteredForces().Select(tx, "WHERE force_id > ? ORDER BY force_id LIMIT ?", {after, limit}));
  std::vector<registry::v1::Force> forces;
  for (auto& row : rows) {
    forces.push_back(std::move(*row.message.mutable_force()));
  }
  return forces;
}

absl::StatusOr<std::string> ForceOf(db::Transaction& tx, std::string_view body) {
  std::optional<std::string> force;
  RETURN_IF_ERROR(tx.Query("SELECT force_id FROM bodies WHERE body = ?", {body},
                           [&](const db::Row& row) { force = std::string(row.Text(0)); }));
  if (!force) {
    return base::NotFound(base::MakeName(base::kBodyName, {body}));
  }
  return *std::move(force);
}

absl::StatusOr<std::vector<std::string>> BodiesOf(db::Transaction& tx, std::string_view force) {
  std::vector<std::string> bodies;
  RETURN_IF_ERROR(tx.Query("SELECT body FROM bodies WHERE force_id = ? ORDER BY body", {force},
                           [&](const db::Row& row) { bodies.emplace_back(row.Text(0)); }));
  return bodies;
}

absl::Status KeepReport(db::Transaction& tx, const registry::v1::Inspection& report) {
  db::Versioned<v1::Response> row;
  *row.message.mutable_report() = report;
  v1::Response facts;
  *facts.mutable_report() = report;
  facts.mutable_report()->clear_findings();
  const std::string bytes = db::SerialiseDeterministically(facts);
  const absl::Status inserted = Reports().Insert(tx, {LastPart(report.name()), report.revision()},
                                                 {db::ChecksumOf(bytes), db::Bytes{bytes}}, row);
  return absl::IsAlreadyExists(inserted) ? absl::OkStatus() : inserted;
}

absl::StatusOr<registry::v1::Inspection> LoadReport(db::Transaction& tx, std::string_view inspection,
                                                    int64_t revision) {
  ASSIGN_OR_RETURN(auto row, Reports().Load(tx, {inspection, revision},
                                            fmt::format("inspections/{}/revisions/{}", inspection, revision)));
  return std::move(*row.message.mutable_report());
}

absl::StatusOr<std::vector<registry::v1::Inspection>> ReportsAfter(db::Transaction& tx, std::string_view inspection,
                                                                   int64_t revision, int limit) {
  ASSIGN_OR_RETURN(auto rows, Reports().Select(tx,
                                               "WHERE inspection >= ? AND (inspection > ? OR revision > ?) "
                                               "ORDER BY inspection, revision LIMIT ?",
                                               {inspection, inspection, revision, limit}));
  std::vector<registry::v1::Inspection> reports;
  for (auto& row : rows) {
    reports.push_back(std::move(*row.message.mutable_report()));
  }
  return reports;
}

absl::StatusOr<StoredResponse> LoadResponse(db::Transaction& tx, std::string_view body, std::string_view inspection,
                                            ReportForm form) {
  const Source& source = SourceOf(form);
  StoredResponse stored;
  RETURN_IF_ERROR(ReadRows(
      tx, source, source.select_one, {body, inspection},
      [&](const ResponseBytes& bytes) {
        stored.version = bytes.version;
        return Parse(bytes, stored.response);
      },
      &stored));
  if (stored.version == 0) {
    return base::NotFound(NameOf(body, inspection));
  }
  return stored;
}

absl::StatusOr<std::vector<std::string>> OfBody(db::Transaction& tx, std::string_view body,
                                                std::initializer_list<v1::Response::State> states, int limit) {
  std::vector<std::string> inspections;
  for (const v1::Response::State state : states) {
    RETURN_IF_ERROR(
        tx.Query("SELECT inspection FROM responses WHERE body = ? AND state = ? ORDER BY inspection LIMIT ?",
                 {body, state, limit - static_cast<int>(inspections.size())},
                 [&](const db::Row& row) { inspections.emplace_back(row.Text(0)); }));
  }
  return inspections;
}

absl::StatusOr<std::vector<std::string>> OpenOfReport(db::Transaction& tx, std::string_view inspection) {
  std::vector<std::string> bodies;
  for (const v1::Response::State state :
       {v1::Response::OPEN, v1::Response::IN_REVIEW, v1::Response::APPROVED, v1::Response::EXEMPT}) {
    RETURN_IF_ERROR(tx.Query("SELECT body FROM responses WHERE inspection = ? AND state = ? ORDER BY body",
                             {inspection, state}, [&](const db::Row& row) { bodies.emplace_back(row.Text(0)); }));
  }
  return bodies;
}

Save Prepare(const v1::Response& before, std::string_view actor, absl::Time now, StoredResponse& stored,
             const HistoryRow* last) {
  v1::Response& response = stored.response;
  Save save;
  save.name = response.name();
  save.body = LastPart(response.body().name());
  save.inspection = LastPart(response.inspection());
  save.force = LastPart(response.force().name());
  save.state = response.state();
  save.place_changes = before.state() != response.state() || before.force().name() != response.force().name() ||
                       before.correction().revision() != response.correction().revision();
  save.revision = stored.revision;
  save.version = stored.version;
  save.history_before = std::exchange(stored.history, kSpent);
  save.actor = std::string(actor);
  save.time_us = base::ToMicros(now);
  for (const parts::Change& change : parts::Compare(before, response)) {
    Save::Part& part = save.history.emplace_back();
    part.part = change.part;
    part.content = db::SerialiseDeterministically(change.now);
    part.checksum = db::ChecksumOf(part.content);
  }
  if (last != nullptr) {
    constexpr int64_t kOneRevision = 10 * 60 * 1'000'000;
    save.begun_us = save.time_us;
    save.goes_on = save.history.size() == 1 && last->id == save.history_before && last->begun_us > 0 &&
                   last->part == save.history[0].part && last->actor == actor && save.time_us >= last->begun_us &&
                   save.time_us - last->begun_us <= kOneRevision;
    if (save.goes_on) {
      save.begun_us = last->begun_us;
    }
  }
  if (!save.history.empty() && !save.goes_on) {
    ++stored.revisions;
  }
  save.revisions = stored.revisions;
  // The report stands in its own table, and the etag is the version's.
  const std::unique_ptr<registry::v1::Inspection> report(response.release_report());
  response.clear_etag();
  save.content = db::SerialiseDeterministically(response);
  save.checksum = db::ChecksumOf(save.content);
  save.summary = db::SerialiseDeterministically(views::Basic(response));
  save.summary_checksum = db::ChecksumOf(save.summary);
  if (report) {
    response.mutable_report()->Swap(report.get());
  }
  response.set_etag(base::EtagOf(++stored.version));
  return save;
}

absl::Status Write(db::Transaction& tx, const Save& save) {
  if (save.history_before == kSpent) {
    return absl::InternalError(fmt::format("{} was changed twice since it was read", save.name));
  }
  std::vector<int64_t> ids(save.goes_on ? 0 : save.history.size());
  std::generate(ids.begin(), ids.end(), base::NewOrderedId);
  const int64_t history = ids.empty() ? save.history_before : ids.back();
  if (save.version == 0) {
    const absl::Status inserted =
        tx.Execute(
              "INSERT INTO responses (body, inspection, force_id, state, revision, version, history, revisions, "
              "summary_checksum, summary, checksum, content) VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?)",
              {save.body, save.inspection, save.force, save.state, save.revision, history, save.revisions,
               save.summary_checksum, db::Bytes{save.summary}, save.checksum, db::Bytes{save.content}})
            .status();
    if (absl::IsAlreadyExists(inserted)) {
      return base::AlreadyExists(save.name);
    }
    RETURN_IF_ERROR(inserted);
  } else {
    // SQLite writes every index of a column that a statement names, whether its value changes or not.
    constexpr std::string_view kSave =
        "UPDATE responses SET version = ?, history = ?, revisions = ?, summary_checksum = ?, summary = ?, checksum = "
        "?, content = ? "
        "WHERE body = ? AND inspection = ? AND version = ?";
    constexpr std::string_view kSaveWithPlace =
        "UPDATE responses SET version = ?, history = ?, revisions = ?, summary_checksum = ?, summary = ?, checksum = "
        "?, content = ?, "
        "state = ?, force_id = ?, revision = ? WHERE body = ? AND inspection = ? AND version = ?";
    std::vector<db::Value> values = {
        save.version + 1,        history,       save.revisions,         save.summary_checksum,
        db::Bytes{save.summary}, save.checksum, db::Bytes{save.content}};
    if (save.place_changes) {
      values.insert(values.end(), {save.state, save.force, save.revision});
    }
    values.insert(values.end(), {save.body, save.inspection, save.version});
    ASSIGN_OR_RETURN(const int64_t matched, tx.Execute(save.place_changes ? kSaveWithPlace : kSave, values));
    if (matched == 0) {
      return tx.Conflict();
    }
  }
  return save.goes_on ? GoOn(tx, save) : InsertHistory(tx, save, ids);
}

absl::Status Serialise(const ResponseBytes& bytes, std::string& response) {
  if (!IsMessage(bytes.content) || !IsMessage(bytes.report)) {
    return Unreadable(bytes);
  }
  v1::Response etag;
  etag.set_etag(base::EtagOf(bytes.version));
  response.clear();
  response.reserve(bytes.content.size() + bytes.report.size() + etag.ByteSizeLong());
  response.append(bytes.content).append(bytes.report);
  etag.AppendToString(&response);
  return absl::OkStatus();
}

absl::Status PassOn(const ResponseBytes& bytes, v1::Response& response) {
  google::protobuf::UnknownFieldSet& fields = *response.GetReflection()->MutableUnknownFields(&response);
  if (!MergeBytes(bytes.content, fields) || !MergeBytes(bytes.report, fields)) {
    return Unreadable(bytes);
  }
  response.set_etag(base::EtagOf(bytes.version));
  return absl::OkStatus();
}

absl::Status Parse(const ResponseBytes& bytes, v1::Response& response) {
  if (!MergeBytes(bytes.content, response) || !MergeBytes(bytes.report, response)) {
    return Unreadable(bytes);
  }
  response.set_etag(base::EtagOf(bytes.version));
  return absl::OkStatus();
}

absl::Status ReadResponse(db::Transaction& tx, std::string_view body, std::string_view inspection,
                          v1::ResponseView view, ReadBytes read) {
  const Source& source = SourceOf(view);
  bool found = false;
  RETURN_IF_ERROR(ReadRows(tx, source, source.select_one, {body, inspection}, [&](const ResponseBytes& bytes) {
    found = true;
    return read(bytes);
  }));
  return found ? absl::OkStatus() : base::NotFound(NameOf(body, inspection));
}

absl::StatusOr<std::vector<size_t>> SizesIn(db::Transaction& tx, const Range& range, v1::ResponseView view, int limit) {
  const Source& source = SourceOf(view);
  std::vector<size_t> sizes;
  RETURN_IF_ERROR(ForStretches(range, limit, [&](const Range& stretch, int most) -> absl::StatusOr<int> {
    std::vector<db::Value> values;
    const std::string tail = TailOf(stretch, most, values);
    const size_t before = sizes.size();
    RETURN_IF_ERROR(tx.Query(source.select_sizes + tail, values,
                             [&](const db::Row& row) { sizes.push_back(static_cast<size_t>(row.Int64(0))); }));
    return static_cast<int>(sizes.size() - before);
  }));
  return sizes;
}

absl::Status ReadRange(db::Transaction& tx, const Range& range, v1::ResponseView view, int limit, ReadBytes read) {
  const Source& source = SourceOf(view);
  return ForStretches(range, limit, [&](const Range& stretch, int most) -> absl::StatusOr<int> {
    std::vector<db::Value> values;
    const std::string tail = TailOf(stretch, most, values);
    int found = 0;
    RETURN_IF_ERROR(ReadRows(tx, source, source.select + tail, values, [&](const ResponseBytes& bytes) {
      ++found;
      return read(bytes);
    }));
    return found;
  });
}

}  // namespace section55::authoring::store
