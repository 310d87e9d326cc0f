#include "libs/rpc/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include <array>
#include <atomic>
#include <utility>
#include <vector>

namespace section55::rpc {
namespace {

constexpr size_t kCodes = 17;

prometheus::Family<prometheus::Counter>& Calls() {
  static auto& family = prometheus::BuildCounter()
                            .Name("section55_rpc_calls_total")
                            .Help("Calls answered, by method and status code.")
                            .Register(*Metrics());
  return family;
}

prometheus::Family<prometheus::Histogram>& Seconds() {
  static auto& family = prometheus::BuildHistogram()
                            .Name("section55_rpc_seconds")
                            .Help("Time from a call's arrival at its handler to its answer.")
                            .Register(*Metrics());
  return family;
}

prometheus::Gauge& CallsInFlight() {
  static auto& gauge = prometheus::BuildGauge()
                           .Name("section55_rpc_calls_in_flight")
                           .Help("Calls being handled now, streams included.")
                           .Register(*Metrics())
                           .Add({});
  return gauge;
}

}  // namespace

std::shared_ptr<prometheus::Registry> Metrics() {
  static const auto registry = std::make_shared<prometheus::Registry>();
  return registry;
}

struct MethodMetrics::Impl {
  std::string method;
  prometheus::Histogram* seconds;
  // Made when a code first occurs: most methods never give most codes.
  std::array<std::atomic<prometheus::Counter*>, kCodes> by_code{};
};

MethodMetrics::MethodMetrics(const std::string& method) : impl_(std::make_unique<Impl>()) {
  impl_->method = method;
  impl_->seconds = &Seconds().Add(
      {{"method", method}}, prometheus::Histogram::BucketBoundaries{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                                                    0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10});
}

MethodMetrics::~MethodMetrics() = default;
MethodMetrics::MethodMetrics(MethodMetrics&&) noexcept = default;

void MethodMetrics::Count(absl::StatusCode code, absl::Duration took) {
  const auto index = static_cast<size_t>(code) < kCodes ? static_cast<size_t>(code) : 2;
  prometheus::Counter* counter = impl_->by_code[index].load(std::memory_order_acquire);
  if (counter == nullptr) {
    // Two threads may both ask: the family gives both the same counter.
    counter = &Calls().Add({{"method", impl_->method}, {"code", absl::StatusCodeToString(code)}});
    impl_->by_code[index].store(counter, std::memory_order_release);
  }
  counter->Increment();
  impl_->seconds->Observe(absl::ToDoubleSeconds(took));
}

void CountRefusal(const std::string& reason) {
  static auto& family = prometheus::BuildCounter()
                            .Name("section55_rpc_refused_total")
                            .Help("Calls refused before their handler was reached, by reason.")
                            .Register(*Metrics());
  family.Add({{"reason", reason}}).Increment();
}

void CountRefusedConnection(const std::string& reason) {
  static auto& family = prometheus::BuildCounter()
                            .Name("section55_rpc_connections_refused_total")
                            .Help("Connections hung up on before anything was said to them, by reason.")
                            .Register(*Metrics());
  family.Add({{"reason", reason}}).Increment();
}

prometheus::Counter& Pauses() {
  static auto& counter = prometheus::BuildCounter()
                             .Name("section55_rpc_pauses_total")
                             .Help("Pauses in reading a connection, because a body's or force's people call too fast.")
                             .Register(*Metrics())
                             .Add({});
  return counter;
}

InFlight::InFlight() { CallsInFlight().Increment(); }
InFlight::~InFlight() { CallsInFlight().Decrement(); }

}  // namespace section55::rpc
