#include "services/response-authoring/store.h"

#include <fmt/format.h>

#include "libs/base/ids.h"
#include "libs/base/status.h"

namespace section55::authoring::store {
namespace {

std::string NameOf(std::string_view body, std::string_view inspection) {
  return fmt::format("bodies/{}/responses/{}", body, inspection);
}

StoredResponse Read(int64_t version, std::string_view content) {
  StoredResponse stored;
  stored.version = version;
  stored.response.ParseFromArray(content.data(), static_cast<int>(content.size()));
  stored.response.set_etag(base::EtagOf(version));
  return stored;
}

// The stored form: the etag is the version's, so it is not stored twice.
std::string Serialise(v1::Response& response) {
  response.clear_etag();
  return response.SerializeAsString();
}

// Reads the row of one response into `read`. NOT_FOUND, naming the resource.
absl::Status SelectResponse(db::Transaction& tx, std::string_view body, std::string_view inspection,
                            absl::FunctionRef<void(int64_t version, std::string_view content)> read) {
  bool found = false;
  RETURN_IF_ERROR(tx.Query("SELECT version, content FROM responses WHERE body = ? AND inspection = ?",
                           {body, inspection}, [&](const db::Row& row) {
                             found = true;
                             read(row.Int64(0), row.Text(1));
                           }));
  return found ? absl::OkStatus() : base::NotFound(NameOf(body, inspection));
}

std::string LastPart(std::string_view name) { return std::string(name.substr(name.rfind('/') + 1)); }

// "?, ?, ?" for `count` values.
std::string Placeholders(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += i == 0 ? "?" : ", ?";
  }
  return text;
}

}  // namespace

absl::Status SaveBody(db::Transaction& tx, std::string_view body, std::string_view force) {
  ASSIGN_OR_RETURN(const int64_t matched, tx.Execute("UPDATE bodies SET force_id = ? WHERE body = ?", {force, body}));
  if (matched == 0) {
    RETURN_IF_ERROR(tx.Execute("INSERT INTO bodies (body, force_id) VALUES (?, ?)", {body, force}).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ForceOf(db::Transaction& tx, std::string_view body) {
  std::optional<std::string> force;
  RETURN_IF_ERROR(tx.Query("SELECT force_id FROM bodies WHERE body = ?", {body},
                           [&](const db::Row& row) { force = std::string(row.Text(0)); }));
  if (!force) {
    return base::NotFound(fmt::format("bodies/{}", body));
  }
  return *std::move(force);
}

absl::StatusOr<StoredResponse> LoadResponse(db::Transaction& tx, std::string_view body, std::string_view inspection) {
  StoredResponse stored;
  RETURN_IF_ERROR(SelectResponse(tx, body, inspection,
                                 [&](int64_t version, std::string_view content) { stored = Read(version, content); }));
  return stored;
}

absl::Status CopyResponse(db::Transaction& tx, std::string_view body, std::string_view inspection,
                          v1::Response& response) {
  return SelectResponse(tx, body, inspection, [&](int64_t version, std::string_view content) {
    response.GetReflection()->MutableUnknownFields(&response)->ParseFromArray(content.data(),
                                                                              static_cast<int>(content.size()));
    response.set_etag(base::EtagOf(version));
  });
}

absl::Status InsertResponse(db::Transaction& tx, StoredResponse& stored) {
  stored.version = 1;
  const std::string content = Serialise(stored.response);
  const std::string body = LastPart(stored.response.body().name());
  const std::string inspection = LastPart(stored.response.inspection());
  const absl::Status inserted =
      tx.Execute(
            "INSERT INTO responses (body, inspection, force_id, state, version, content) VALUES (?, ?, ?, ?, ?, ?)",
            {body, inspection, LastPart(stored.response.force().name()), stored.response.state(), stored.version,
             db::Bytes{content}})
          .status();
  if (absl::IsAlreadyExists(inserted)) {
    return base::AlreadyExists(stored.response.name());
  }
  stored.response.set_etag(base::EtagOf(stored.version));
  return inserted;
}

absl::Status UpdateResponse(db::Transaction& tx, StoredResponse& stored) {
  const std::string content = Serialise(stored.response);
  ASSIGN_OR_RETURN(const int64_t matched, tx.Execute("UPDATE responses SET state = ?, version = ?, content = ? "
                                                     "WHERE body = ? AND inspection = ? AND version = ?",
                                                     {stored.response.state(), stored.version + 1, db::Bytes{content},
                                                      LastPart(stored.response.body().name()),
                                                      LastPart(stored.response.inspection()), stored.version}));
  if (matched == 0) {
    return tx.Conflict();
  }
  stored.version += 1;
  stored.response.set_etag(base::EtagOf(stored.version));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<StoredResponse>> ListResponses(db::Transaction& tx, const ResponseQuery& query) {
  std::string sql = "SELECT version, content FROM responses WHERE ";
  std::vector<db::Value> values;
  // Keyset conditions are spelled out column by column: MariaDB scans for a row-value comparison.
  if (!query.body.empty()) {
    sql += "body = ? AND inspection > ?";
    values = {query.body, query.after_inspection};
  } else {
    sql += "body >= ? AND (body > ? OR inspection > ?)";
    values = {query.after_body, query.after_body, query.after_inspection};
  }
  if (query.body.empty() && !query.all) {
    if (query.bodies.empty() && query.forces.empty()) {
      return std::vector<StoredResponse>();
    }
    sql += fmt::format(" AND (body IN ({}) OR body IN (SELECT body FROM bodies WHERE force_id IN ({})))",
                       Placeholders(query.bodies.size() + 1), Placeholders(query.forces.size() + 1));
    // An empty list is no SQL: each ends with an id that nobody has.
    for (const auto* ids : {&query.bodies, &query.forces}) {
      values.insert(values.end(), ids->begin(), ids->end());
      values.emplace_back("");
    }
  }
  if (query.state) {
    sql += " AND state = ?";
    values.emplace_back(*query.state);
  }
  if (!query.inspection.empty()) {
    sql += " AND inspection = ?";
    values.emplace_back(query.inspection);
  }
  sql += " ORDER BY body, inspection LIMIT ?";
  values.emplace_back(query.limit);
  std::vector<StoredResponse> found;
  RETURN_IF_ERROR(tx.Query(sql, values, [&](const db::Row& row) { found.push_back(Read(row.Int64(0), row.Text(1))); }));
  return found;
}

}  // namespace section55::authoring::store
