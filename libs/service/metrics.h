// The metrics of a process, for Prometheus on a loopback port.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/http/server.h"
#include "libs/jobs/queue.h"
#include "prometheus/collectable.h"
#include "section55/admin/v1/admin.pb.h"

namespace section55::service {

// What is looked up when somebody asks: how the followers and the jobs of this process stand. Thread-safe.
//   section55_parked_events{source}, section55_follower_lag_events{source}, section55_follower_connected{source},
//   section55_follower_waits_for_newer_program{source}, section55_jobs_waiting, section55_jobs_parked
class Gauges : public prometheus::Collectable {
 public:
  Gauges(std::function<std::vector<admin::v1::FollowerStatus>()> followers,
         std::function<absl::StatusOr<jobs::Queue::Counts>()> jobs);

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::function<std::vector<admin::v1::FollowerStatus>()> followers_;
  const std::function<absl::StatusOr<jobs::Queue::Counts>()> jobs_;
};

// Offers rpc::Metrics() and `gauges`, which must outlive it, under http://ADDRESS/metrics; port 0 picks a free one. To be started. The
// address must be loopback, because metrics ask nobody who they are; the error is one sentence.
absl::StatusOr<std::unique_ptr<http::Server>> OfferMetrics(const std::string& address,
                                                           const prometheus::Collectable& gauges);

}  // namespace section55::service
