#include "libs/service/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/time/clock.h"
#include "libs/base/address.h"
#include "libs/base/audit.h"
#include "libs/base/log.h"
#include "libs/base/status.h"
#include "libs/http/unix_socket.h"
#include "libs/rpc/metrics.h"
#include "prometheus/text_serializer.h"

namespace section55::service {
namespace {

// Answers at a time are few; connections cost little, and must not run out before those who leave theirs idle are hung up on.
constexpr int kThreads = 2;
constexpr int kMostConnections = 4096;

using Families = std::vector<prometheus::MetricFamily>;
using Label = std::pair<std::string, std::string>;

// Adds one value of a family, which is begun when it is not there yet.
void Report(Families& families, prometheus::MetricType type, const std::string& name, const std::string& help,
            double value, const Label& label = {}) {
  auto family = std::find_if(families.begin(), families.end(), [&](const auto& one) { return one.name == name; });
  if (family == families.end()) {
    family = families.insert(families.end(), {name, help, type, {}});
  }
  prometheus::ClientMetric& metric = family->metric.emplace_back();
  if (!label.first.empty()) {
    metric.label = {{label.first, label.second}};
  }
  (type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
}

constexpr auto kGauge = prometheus::MetricType::Gauge;
constexpr auto kCounter = prometheus::MetricType::Counter;

void AddFollower(Families& families, const admin::v1::FollowerStatus& follower) {
  const Label source = {"source", follower.source()};
  Report(families, kGauge, "section55_parked_events", "Events of a source that were put aside and are tried again.",
         static_cast<double>(follower.parked_events()), source);
  Report(families, kGauge, "section55_follower_connected", "1 when the stream from the source is open here.",
         follower.connected() ? 1 : 0, source);
  Report(families, kGauge, "section55_follower_waits_for_newer_program",
         "1 when the source sent an event that this program does not know: deploy a newer one.",
         follower.waits_for_newer_program() ? 1 : 0, source);
  if (follower.connected()) {
    Report(families, kGauge, "section55_follower_lag_events", "Events of a source that are not handled yet.",
           static_cast<double>(std::max<int64_t>(0, follower.source_head_position() - follower.position())), source);
  }
  if (follower.has_behind_for()) {
    Report(families, kGauge, "section55_follower_lag_seconds",
           "For how long not all events of a source were handled, or it was not known which there are.",
           absl::ToDoubleSeconds(absl::Seconds(follower.behind_for().seconds()) +
                                 absl::Nanoseconds(follower.behind_for().nanos())),
           source);
  }
}

void AddProcess(Families& families) {
  Report(families, kCounter, "section55_log_lines_lost_total", "Lines of the log that whoever reads it did not take.",
         static_cast<double>(base::LostLogLines()));
  Report(families, kCounter, "section55_audit_entries_lost_total",
         "Entries of the audit that could neither be written nor kept.", static_cast<double>(base::LostAuditEntries()));
  Report(families, kGauge, "section55_audit_failing", "1 while the audit cannot be written.",
         base::AuditIsFailing() ? 1 : 0);
  for (const db::ErrorCount& error : db::CountErrors()) {
    Report(families, kCounter, "section55_database_errors_total",
           "What went wrong with the database, whatever was made of it.", static_cast<double>(error.count),
           {"kind", std::string(error.kind)});
  }
}

// A clock that is driven is never in doubt.
void AddClock(Families& families, const base::GuardedClock* clock) {
  const auto doubt = clock == nullptr ? std::nullopt : clock->doubt();
  Report(families, kGauge, "section55_clock_in_doubt",
         "1 while the machine's clock has jumped, or differs from the database's, and nobody has confirmed it: timers "
         "stand still.",
         clock != nullptr && clock->InDoubt() ? 1 : 0);
  Report(families, kGauge, "section55_clock_off_by_seconds", "By how much it is off; 0 while it is not in doubt.",
         doubt ? absl::ToDoubleSeconds(doubt->by) : 0);
}

}  // namespace

Families Gauges::Collect() const {
  Families families;
  AddProcess(families);
  for (const admin::v1::FollowerStatus& follower :
       parts_.followers ? parts_.followers() : std::vector<admin::v1::FollowerStatus>()) {
    AddFollower(families, follower);
  }
  // Nothing is said of what is in the database while that is away: an old number would look like a new one.
  if (const auto counts = parts_.jobs ? parts_.jobs() : absl::UnknownError(""); counts.ok()) {
    Report(families, kGauge, "section55_jobs_waiting", "Jobs that wait or run.", static_cast<double>(counts->waiting));
    Report(families, kGauge, "section55_jobs_parked", "Jobs that failed too often and wait for an operator.",
           static_cast<double>(counts->parked));
    Report(families, kGauge, "section55_jobs_overdue_seconds", "For how long the longest due job has been due.",
           absl::ToDoubleSeconds(counts->overdue));
  }
  if (const auto unnumbered = parts_.unnumbered_events ? parts_.unnumbered_events() : absl::UnknownError("");
      unnumbered.ok()) {
    Report(families, kGauge, "section55_outbox_events",
           "Events that are committed and do not stand in the feed yet; 10000 and more are 10000.",
           static_cast<double>(*unnumbered));
  }
  for (const db::Database::PoolUse& pool : parts_.pools ? parts_.pools() : std::vector<db::Database::PoolUse>()) {
    const Label label = {"pool", std::string(pool.pool)};
    Report(families, kGauge, "section55_database_connections_in_use", "Connections to the database that are in use.",
           pool.in_use, label);
    Report(families, kGauge, "section55_database_connections_most", "As many may be in use.", pool.most, label);
    Report(families, kGauge, "section55_database_connections_waited_for", "Callers who wait for one.", pool.waiting,
           label);
  }
  if (const absl::Time expires = parts_.certificate_expires ? parts_.certificate_expires() : absl::InfiniteFuture();
      expires != absl::InfiniteFuture()) {
    Report(families, kGauge, "section55_certificate_days_left", "Days until the certificate in use expires.",
           absl::FDivDuration(expires - absl::Now(), absl::Hours(24)));
  }
  AddClock(families, parts_.clock);
  for (const Gauge& gauge : more_) {
    if (const auto value = gauge.value(); value.ok()) {
      Report(families, kGauge, gauge.name, gauge.help, *value);
    }
  }
  return families;
}

absl::StatusOr<std::unique_ptr<http::Server>> OfferMetrics(const std::string& address,
                                                           const prometheus::Collectable& gauges) {
  if (!http::UnixSocketPath(address) && !base::IsLoopback(address)) {
    RETURN_IF_ERROR(base::ReadHostPort(address).status());
    return absl::InvalidArgumentError(fmt::format(
        "metrics: {} is not a loopback address, and metrics ask nobody who they are; offer them to a proxy with TLS "
        "over a socket, --metrics_listen=unix:/PATH",
        address));
  }
  http::Options options;
  options.address = address;
  options.threads = kThreads;
  options.most_connections = kMostConnections;
  auto server = http::Server::Listen(std::move(options), [&gauges](const http::Request& request) -> http::Response {
    if (request.path != "/metrics") {
      return {.status = 404};
    }
    std::vector<prometheus::MetricFamily> families = rpc::Metrics()->Collect();
    std::vector<prometheus::MetricFamily> more = gauges.Collect();
    families.insert(families.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
            .body = std::make_shared<const std::string>(prometheus::TextSerializer().Serialize(families))};
  });
  if (!server.ok()) {
    return absl::Status(server.status().code(), fmt::format("metrics: {}", std::string(server.status().message())));
  }
  return server;
}

}  // namespace section55::service
