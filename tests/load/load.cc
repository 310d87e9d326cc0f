#include "tests/load/load.h"

#include <grpcpp/generic/generic_stub.h>

#include <algorithm>
#include <array>
#include <thread>

#include "absl/time/clock.h"

namespace section55::load {
namespace {

// Two threads, as the machine has two cores to share with the server.
constexpr size_t kThreads = 2;

struct CallInFlight {
  int caller = 0;
  grpc::GenericStub* stub = nullptr;
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  std::array<grpc::ByteBuffer, 2> requests;
  size_t turn = 0;
  grpc::ByteBuffer response;
  grpc::Status status;
  std::string authorization;
  absl::Time started;
};

struct Worker {
  std::vector<double> millis;
  int64_t failures = 0;
  std::string first_failure;
};

grpc::ByteBuffer BufferOf(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

void Start(CallInFlight& call, const std::string& method, grpc::CompletionQueue& queue) {
  call.context = std::make_unique<grpc::ClientContext>();
  if (!call.authorization.empty()) {
    call.context->AddMetadata("authorization", call.authorization);
  }
  call.response.Clear();
  call.started = absl::Now();
  call.reader = call.stub->PrepareUnaryCall(call.context.get(), method, call.requests[call.turn ^= 1], &queue);
  call.reader->StartCall();
  call.reader->Finish(&call.response, &call.status, &call);
}

void Work(const Target& target, std::vector<CallInFlight>& calls, absl::Time end, Worker& worker) {
  grpc::CompletionQueue queue;
  for (auto& call : calls) {
    Start(call, target.method, queue);
  }
  size_t in_flight = calls.size();
  void* tag = nullptr;
  bool ok = false;
  while (in_flight > 0 && queue.Next(&tag, &ok)) {
    auto& call = *static_cast<CallInFlight*>(tag);
    const absl::Time now = absl::Now();
    if (!call.status.ok()) {
      if (worker.failures++ == 0) {
        worker.first_failure = call.status.error_message();
      }
    } else if (now <= end) {
      worker.millis.push_back(absl::ToDoubleMilliseconds(now - call.started));
    }
    if (now < end) {
      Start(call, target.method, queue);
    } else {
      --in_flight;
    }
  }
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
}

}  // namespace

Outcome Run(const Target& target, absl::Duration duration) {
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs;
  std::vector<std::vector<CallInFlight>> calls(kThreads);
  for (size_t i = 0; i < target.channels.size(); ++i) {
    stubs.push_back(std::make_unique<grpc::GenericStub>(target.channels[i]));
    for (int j = 0; j < target.in_flight_per_channel; ++j) {
      CallInFlight call;
      call.caller = static_cast<int>(i) * target.in_flight_per_channel + j;
      call.stub = stubs.back().get();
      for (int turn = 0; turn < 2; ++turn) {
        call.requests[turn] = BufferOf(target.request(call.caller, turn));
      }
      if (const std::string token = target.token ? target.token(call.caller) : ""; !token.empty()) {
        call.authorization = "Bearer " + token;
      }
      calls[i % kThreads].push_back(std::move(call));
    }
  }
  std::vector<Worker> workers(kThreads);
  std::vector<std::thread> threads;
  const absl::Time start = absl::Now();
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back(Work, std::cref(target), std::ref(calls[i]), start + duration, std::ref(workers[i]));
  }
  for (auto& thread : threads) {
    thread.join();
  }
  Outcome outcome;
  std::vector<double> millis;
  for (auto& worker : workers) {
    millis.insert(millis.end(), worker.millis.begin(), worker.millis.end());
    outcome.failures += worker.failures;
    if (outcome.first_failure.empty()) {
      outcome.first_failure = worker.first_failure;
    }
  }
  std::sort(millis.begin(), millis.end());
  if (!millis.empty()) {
    outcome.calls_per_second = static_cast<double>(millis.size()) / absl::ToDoubleSeconds(duration);
    outcome.median_millis = millis[millis.size() / 2];
    outcome.p99_millis = millis[millis.size() * 99 / 100];
  }
  return outcome;
}

}  // namespace section55::load
