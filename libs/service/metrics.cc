#include "libs/service/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "libs/base/address.h"
#include "libs/rpc/metrics.h"
#include "prometheus/text_serializer.h"

namespace section55::service {
namespace {

// Answers at a time are few; connections cost little, and must not run out before those who leave theirs idle are hung up on.
constexpr int kThreads = 2;
constexpr int kMostConnections = 4096;

prometheus::MetricFamily Family(const std::string& name, const std::string& help) {
  return {name, help, prometheus::MetricType::Gauge, {}};
}

void Add(prometheus::MetricFamily& family, const std::string& source, double value) {
  prometheus::ClientMetric& metric = family.metric.emplace_back();
  if (!source.empty()) {
    metric.label = {{"source", source}};
  }
  metric.gauge.value = value;
}

}  // namespace

Gauges::Gauges(std::function<std::vector<admin::v1::FollowerStatus>()> followers,
               std::function<absl::StatusOr<jobs::Queue::Counts>()> jobs)
    : followers_(std::move(followers)), jobs_(std::move(jobs)) {}

std::vector<prometheus::MetricFamily> Gauges::Collect() const {
  auto parked = Family("section55_parked_events", "Events of a source that were put aside and are tried again.");
  auto lag = Family("section55_follower_lag_events", "Events of a source that are not handled yet.");
  auto connected = Family("section55_follower_connected", "1 when the stream from the source is open here.");
  auto newer = Family("section55_follower_waits_for_newer_program",
                      "1 when the source sent an event that this program does not know: deploy a newer one.");
  for (const admin::v1::FollowerStatus& follower : followers_()) {
    Add(parked, follower.source(), static_cast<double>(follower.parked_events()));
    Add(connected, follower.source(), follower.connected() ? 1 : 0);
    Add(newer, follower.source(), follower.waits_for_newer_program() ? 1 : 0);
    if (follower.connected()) {
      Add(lag, follower.source(),
          static_cast<double>(std::max<int64_t>(0, follower.source_head_position() - follower.position())));
    }
  }
  std::vector<prometheus::MetricFamily> families = {parked, lag, connected, newer};
  // Nothing is said of jobs while the database is away: an old number would look like a new one.
  if (const auto counts = jobs_(); counts.ok()) {
    families.push_back(Family("section55_jobs_waiting", "Jobs that wait or run."));
    Add(families.back(), "", static_cast<double>(counts->waiting));
    families.push_back(Family("section55_jobs_parked", "Jobs that failed too often and wait for an operator."));
    Add(families.back(), "", static_cast<double>(counts->parked));
  }
  return families;
}

absl::StatusOr<std::unique_ptr<http::Server>> OfferMetrics(const std::string& address,
                                                           const prometheus::Collectable& gauges) {
  if (absl::Status free = base::CheckListen(address); !free.ok()) {
    return absl::Status(free.code(), fmt::format("metrics: {}", std::string(free.message())));
  }
  if (!base::IsLoopback(address)) {
    return absl::InvalidArgumentError(
        fmt::format("metrics: {} is not a loopback address, and metrics ask nobody who they are", address));
  }
  http::Options options;
  options.address = address;
  options.threads = kThreads;
  options.most_connections = kMostConnections;
  return http::Server::Listen(std::move(options), [&gauges](const http::Request& request) -> http::Response {
    if (request.path != "/metrics") {
      return {.status = 404};
    }
    std::vector<prometheus::MetricFamily> families = rpc::Metrics()->Collect();
    std::vector<prometheus::MetricFamily> more = gauges.Collect();
    families.insert(families.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
            .body = std::make_shared<const std::string>(prometheus::TextSerializer().Serialize(families))};
  });
}

}  // namespace section55::service
