// What is counted of calls, for Prometheus. libs/service offers it.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "prometheus/counter.h"
#include "prometheus/registry.h"

namespace section55::rpc {

// The one registry of this process. Thread-safe.
std::shared_ptr<prometheus::Registry> Metrics();

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

// Counts a call that was refused before its handler was reached: section55_rpc_refused_total{reason}. Thread-safe.
void CountRefusal(const std::string& reason);

// Counts a connection that was hung up on by the listener: section55_rpc_connections_refused_total{reason}. Thread-safe.
void CountRefusedConnection(const std::string& reason);

// Pauses in reading a connection of a tenant whose people call too fast: section55_rpc_pauses_total. A server asks for it when it is
// made, because Prometheus sees no rise in what was not there before. Thread-safe.
prometheus::Counter& Pauses();

// Counts the calls under way: section55_rpc_calls_in_flight.
class InFlight {
 public:
  InFlight();
  ~InFlight();
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;
};

}  // namespace section55::rpc
