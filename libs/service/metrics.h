// The metrics of a process, for Prometheus: on a loopback port, or on a Unix socket for a proxy that adds TLS.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/guarded_clock.h"
#include "libs/db/database.h"
#include "libs/http/server.h"
#include "libs/jobs/queue.h"
#include "prometheus/collectable.h"
#include "section55/admin/v1/admin.pb.h"

namespace section55::service {

// A number of a service's own, looked up when somebody asks.
struct Gauge {
  std::string name;  // "section55_deadlines_missed"
  std::string help;
  std::function<absl::StatusOr<double>()> value;  // an error: nothing is said
};

// What is looked up when somebody asks: README.md says which numbers there are. What is left out is not offered. Thread-safe, as all of
// these functions must be.
class Gauges : public prometheus::Collectable {
 public:
  struct Parts {
    std::function<std::vector<admin::v1::FollowerStatus>()> followers = {};
    std::function<absl::StatusOr<jobs::Queue::Counts>()> jobs = {};
    std::function<absl::StatusOr<int64_t>()> unnumbered_events = {};
    std::function<std::vector<db::Database::PoolUse>()> pools = {};
    std::function<absl::Time()> certificate_expires = {};
    const base::GuardedClock* clock = nullptr;
  };
  explicit Gauges(Parts parts) : parts_(std::move(parts)) {}

  // Before anybody asks.
  void Add(Gauge gauge) { more_.push_back(std::move(gauge)); }

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const Parts parts_;
  std::vector<Gauge> more_;
};

// Offers rpc::Metrics() and `gauges`, which must outlive it, under http://ADDRESS/metrics; port 0 picks a free one. To be started. The
// address must be loopback or "unix:/PATH", because metrics ask nobody who they are; the error is one sentence.
absl::StatusOr<std::unique_ptr<http::Server>> OfferMetrics(const std::string& address,
                                                           const prometheus::Collectable& gauges);

}  // namespace section55::service
