#include "libs/service/backup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "libs/base/ids.h"
#include "libs/base/status.h"
#include "libs/db/backup.h"
#include "libs/events/recovery.h"

namespace section55::service {
namespace {

// On a line of its own after the copy; to the client of MySQL it is a comment.
constexpr std::string_view kMark = "\n-- section55-backup ";
constexpr size_t kLongestManifest = 65'536;
constexpr int kFormat = 1;
// How far the versions of everything stored are moved on by a restore, more than anybody changes one thing.
constexpr int64_t kVersions = 1'000'000'000;

absl::Status Wrong(absl::StatusCode code, std::string_view sentence) {
  return base::Error(code, "BACKUP", std::string(sentence));
}

absl::Status CannotWrite(const std::string& path) {
  return Wrong(absl::StatusCode::kUnavailable, fmt::format("{} cannot be written: {}", path, std::strerror(errno)));
}

// The SHA-256 of the first `size` bytes of a file, in hexadecimal; with `to`, they are copied there. Empty: it could not be read or
// written.
std::string Digest(const std::string& path, int64_t size, std::ostream* to = nullptr) {
  std::ifstream stream(path, std::ios::binary);
  base::Sha256 digest;
  std::vector<char> buffer(1 << 20);
  while (size > 0) {
    stream.read(buffer.data(), std::min<int64_t>(size, static_cast<int64_t>(buffer.size())));
    const std::streamsize got = stream.gcount();
    if (got <= 0 || (to != nullptr && !to->write(buffer.data(), got))) {
      return {};
    }
    digest.Add({buffer.data(), static_cast<size_t>(got)});
    size -= got;
  }
  return digest.Hex();
}

bool SyncPath(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && fsync(file) == 0;
  if (file >= 0) {
    close(file);
  }
  return synced;
}

std::string FolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder;
}

// An empty file that nobody else may read; what was left under its name is gone.
absl::Status MakePrivate(const std::string& path) {
  unlink(path.c_str());
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) {
    return CannotWrite(path);
  }
  close(file);
  return absl::OkStatus();
}

// What the database itself says; the copy's state where it can be opened, else the running one's schema and the copy's feed.
absl::Status Inspect(const db::Options& database, const std::string& copy, Manifest& manifest) {
  const bool sqlite = manifest.engine == "sqlite";
  ASSIGN_OR_RETURN(const db::Options opened,
                   sqlite ? db::PrepareCopy(database, copy) : absl::StatusOr<db::Options>(database));
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<db::Database> state, db::Open(opened));
    ASSIGN_OR_RETURN(const std::vector<db::AppliedMigration> history, db::SchemaHistory(*state));
    for (const db::AppliedMigration& step : history) {
      manifest.migrations.push_back(fmt::format("{}/{:04}_{}", step.component, step.version, step.name));
    }
    if (sqlite) {
      RETURN_IF_ERROR(state->Read([&](db::Transaction& tx) -> absl::Status {
        ASSIGN_OR_RETURN(const events::Lineage lineage, events::ReadLineage(tx));
        manifest.feed_position = lineage.head;
        manifest.feed_incarnation = lineage.incarnation;
        return absl::OkStatus();
      }));
    }
  }
  if (sqlite) {
    return absl::OkStatus();
  }
  // "(1,17,'2f0c...');"
  const std::string row = db::TextInCopy(copy, "INSERT INTO `event_sequence` VALUES");
  const size_t begin = row.find("(1,"), quote = row.find('\'');
  if (begin == std::string::npos || quote == std::string::npos) {
    return Wrong(absl::StatusCode::kDataLoss, "the copy has no feed: is this the database of a service?");
  }
  manifest.feed_position = std::strtoll(row.c_str() + begin + 3, nullptr, 10) - 1;
  manifest.feed_incarnation = row.substr(quote + 1, row.find('\'', quote + 1) - quote - 1);
  return absl::OkStatus();
}

std::string ToText(const Manifest& manifest) {
  return nlohmann::ordered_json{{"format", kFormat},
                                {"service", manifest.service},
                                {"engine", manifest.engine},
                                {"program_version", manifest.version},
                                {"time", absl::FormatTime(absl::RFC3339_full, manifest.time, absl::UTCTimeZone())},
                                {"feed_position", manifest.feed_position},
                                {"feed_incarnation", manifest.feed_incarnation},
                                {"migrations", manifest.migrations},
                                {"bytes", manifest.bytes},
                                {"sha256", manifest.sha256}}
      .dump();
}

absl::StatusOr<Manifest> FromText(const std::string& text, const std::string& path) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto is = [&](const char* name, nlohmann::json::value_t type) {
    return json.contains(name) && json[name].type() == type;
  };
  using Type = nlohmann::json::value_t;
  Manifest manifest;
  std::string error;
  if (!json.is_object() || json.value("format", 0) != kFormat || !is("service", Type::string) ||
      !is("engine", Type::string) || !is("program_version", Type::string) || !is("time", Type::string) ||
      !is("feed_position", Type::number_unsigned) || !is("feed_incarnation", Type::string) ||
      !is("bytes", Type::number_unsigned) || !is("sha256", Type::string) ||
      !absl::ParseTime(absl::RFC3339_full, json["time"].get<std::string>(), &manifest.time, &error)) {
    return Wrong(absl::StatusCode::kInvalidArgument,
                 fmt::format("{} is no backup that this program can read: use the version that made it", path));
  }
  manifest.service = json["service"];
  manifest.engine = json["engine"];
  manifest.version = json["program_version"];
  manifest.feed_position = json["feed_position"];
  manifest.feed_incarnation = json["feed_incarnation"];
  manifest.bytes = json["bytes"];
  manifest.sha256 = json["sha256"];
  for (const nlohmann::json& step : json.value("migrations", nlohmann::json::array())) {
    manifest.migrations.push_back(step.is_string() ? step.get<std::string>() : "");
  }
  return manifest;
}

absl::StatusOr<Manifest> ReadManifest(const std::string& path) {
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = stream.tellg();
  if (!stream || size < 0) {
    return Wrong(absl::StatusCode::kNotFound, fmt::format("{} cannot be read", path));
  }
  std::string tail(std::min<size_t>(static_cast<size_t>(size), kLongestManifest), '\0');
  stream.seekg(size - static_cast<std::streamoff>(tail.size()));
  stream.read(tail.data(), static_cast<std::streamsize>(tail.size()));
  const size_t mark = tail.rfind(kMark);
  if (!stream || mark == std::string::npos || tail.back() != '\n') {
    return Wrong(absl::StatusCode::kInvalidArgument, fmt::format("{} is no backup, or not all of one", path));
  }
  ASSIGN_OR_RETURN(Manifest manifest, FromText(tail.substr(mark + kMark.size()), path));
  if (manifest.bytes != size - static_cast<std::streamoff>(tail.size() - mark)) {
    return Wrong(absl::StatusCode::kDataLoss, fmt::format("{} is not all of a backup", path));
  }
  return manifest;
}

absl::Status Damaged(const std::string& path) {
  return Wrong(absl::StatusCode::kDataLoss, fmt::format("{} is damaged: it does not match its checksum", path));
}

// Which feed the database that is to be replaced holds, if it can be told.
std::optional<events::Lineage> LineageOf(const db::Options& database) {
  std::optional<events::Lineage> lineage;
  const auto opened = db::Open(database);
  if (opened.ok()) {
    (*opened)
        ->Read([&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(lineage, events::ReadLineage(tx));
          return absl::OkStatus();
        })
        .IgnoreError();
  }
  return lineage;
}

// Etags are made of versions: those that people still hold must not be taken for those of other texts.
absl::Status MoveVersionsOn(db::Transaction& tx, db::Engine engine, absl::Span<const db::MessageTable* const> tables) {
  for (const db::MessageTable* table : tables) {
    bool is_table = false;
    RETURN_IF_ERROR(tx.Query(engine == db::Engine::kSqlite
                                 ? "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
                                 : "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND "
                                   "table_type = 'BASE TABLE' AND table_name = ?",
                             {table->name()}, [&](const db::Row&) { is_table = true; }));
    if (is_table) {
      RETURN_IF_ERROR(
          tx.Execute(fmt::format("UPDATE {} SET version = version + ?", table->name()), {kVersions}).status());
    }
  }
  return absl::OkStatus();
}

bool IsSqlite(const db::Options& database) { return database.url.starts_with("sqlite:"); }

}  // namespace

absl::StatusOr<Manifest> Backup(std::string_view service, const db::Options& database, const std::string& to,
                                absl::Time now) {
  if (std::error_code ignored; std::filesystem::exists(to, ignored)) {
    return Wrong(absl::StatusCode::kAlreadyExists, fmt::format("{} is there already: a backup overwrites nothing", to));
  }
  Manifest manifest{.service = std::string(service),
                    .engine = IsSqlite(database) ? "sqlite" : "mysql",
                    .version = SECTION55_VERSION,
                    .time = now};
  const std::string copy = fmt::format("{}.unfinished", to);
  RETURN_IF_ERROR(MakePrivate(copy));
  const absl::Cleanup remove = [&] {
    for (const char* part : {"", "-wal", "-shm", "-journal"}) {
      unlink((copy + part).c_str());
    }
  };
  RETURN_IF_ERROR(db::CopyDatabase(database, copy));
  RETURN_IF_ERROR(Inspect(database, copy, manifest));
  if (IsSqlite(database)) {
    RETURN_IF_ERROR(db::SealCopy(copy));
  }
  manifest.bytes = static_cast<int64_t>(std::filesystem::file_size(copy));
  manifest.sha256 = Digest(copy, manifest.bytes);
  {
    std::ofstream stream(copy, std::ios::binary | std::ios::app);
    stream << kMark << ToText(manifest) << '\n';
    stream.flush();
    if (!stream || manifest.sha256.empty()) {
      return CannotWrite(copy);
    }
  }
  // A link, unlike a rename, never takes the place of a file that came meanwhile.
  if (!SyncPath(copy) || link(copy.c_str(), to.c_str()) != 0 || !SyncPath(FolderOf(to))) {
    return CannotWrite(to);
  }
  return manifest;
}

absl::StatusOr<Manifest> Verify(const std::string& from) {
  ASSIGN_OR_RETURN(Manifest manifest, ReadManifest(from));
  if (Digest(from, manifest.bytes) != manifest.sha256) {
    return Damaged(from);
  }
  return manifest;
}

absl::StatusOr<std::string> Restore(std::string_view service, const db::Options& database,
                                    absl::Span<const db::Schema> schemas,
                                    absl::Span<const db::MessageTable* const> tables, const RestoreOptions& options,
                                    absl::Time now) {
  ASSIGN_OR_RETURN(const Manifest manifest, ReadManifest(options.from));
  const std::string engine = IsSqlite(database) ? "sqlite" : "mysql";
  if (manifest.service != service) {
    return Wrong(absl::StatusCode::kInvalidArgument,
                 fmt::format("{} is a backup of {}, not of {}", options.from, manifest.service, service));
  }
  if (manifest.engine != engine) {
    return Wrong(absl::StatusCode::kInvalidArgument,
                 fmt::format("{} is a backup of a {} database, and --database names another engine", options.from,
                             manifest.engine));
  }
  RETURN_IF_ERROR(db::CheckReplaceable(database, options.replace));
  // Beside the database, so that it can be renamed into its place.
  const std::string copy =
      IsSqlite(database) ? database.url.substr(database.url.find(':') + 1) + ".restoring" : options.from + ".restoring";
  for (const char* part : {"-wal", "-shm", "-journal"}) {
    unlink((copy + part).c_str());
  }
  RETURN_IF_ERROR(MakePrivate(copy));
  const absl::Cleanup remove = [&] { unlink(copy.c_str()); };
  {
    std::ofstream stream(copy, std::ios::binary);
    const std::string sha256 = Digest(options.from, manifest.bytes, &stream);
    stream.flush();
    if (!stream) {
      return CannotWrite(copy);
    }
    if (sha256 != manifest.sha256) {
      return Damaged(options.from);
    }
  }
  std::error_code ignored;
  const bool is_replaced = IsSqlite(database) && options.replace &&
                           std::filesystem::exists(database.url.substr(database.url.find(':') + 1), ignored);
  const std::optional<events::Lineage> replaced = is_replaced ? LineageOf(database) : std::nullopt;
  ASSIGN_OR_RETURN(const db::Options prepared, db::PrepareCopy(database, copy));
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<db::Database> restored, db::Open(prepared));
    RETURN_IF_ERROR(db::Migrate(*restored, schemas, now, /*dry_run=*/false).status());
    RETURN_IF_ERROR(restored->Write([&](db::Transaction& tx) -> absl::Status {
      RETURN_IF_ERROR(events::BeginRecovery(tx, manifest.time, now, replaced, options.without));
      return MoveVersionsOn(tx, restored->engine(), tables);
    }));
  }
  return db::InstallCopy(database, copy, now);
}

std::string Describe(const Manifest& manifest) {
  return fmt::format("{} as of {}, feed at {} of {}, {} bytes ({}), SHA-256 {}", manifest.service,
                     absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", manifest.time, absl::UTCTimeZone()), manifest.feed_position,
                     manifest.feed_incarnation, manifest.bytes, manifest.engine, manifest.sha256);
}

}  // namespace section55::service
