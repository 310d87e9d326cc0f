// Metrics of this process, for Prometheus on a loopback port.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "prometheus/registry.h"

namespace section55::rpc {

// The one registry of this process. Thread-safe.
std::shared_ptr<prometheus::Registry> Metrics();

// Offers the metrics as long as it lives.
class MetricsPort {
 public:
  virtual ~MetricsPort() = default;
  virtual int port() const = 0;
};

// Offers Metrics() under http://ADDRESS/metrics until the result is destroyed; port 0 picks a free one. The address
// must be loopback; the error is one sentence.
absl::StatusOr<std::shared_ptr<MetricsPort>> OfferMetrics(const std::string& address);

// What is counted of one method's calls. Made once a method: a look-up by labels is too slow for every call.
// Thread-safe.
class MethodMetrics {
 public:
  // `method`: "section55.authoring.v1.ResponseAuthoring/GetResponse".
  explicit MethodMetrics(const std::string& method);
  ~MethodMetrics();
  MethodMetrics(MethodMetrics&&) noexcept;

  // section55_rpc_calls_total{method,code} and section55_rpc_seconds{method}.
  void Count(absl::StatusCode code, absl::Duration took);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Counts the calls under way: section55_rpc_calls_in_flight.
class InFlight {
 public:
  InFlight();
  ~InFlight();
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;
};

}  // namespace section55::rpc
