// How large things may be: one table, so that what one limit lets in never fails at the next.
//
// The chain: a report, and what a body and a force write about it, make a response; the response with its report travels in one event
// and in one message; what is published of it fits into one row. tests/e2e/limits_test.cc goes to the edges.
#pragma once

#include <cstddef>

namespace section55::base {

inline constexpr std::size_t kKibibyte = 1024;
inline constexpr std::size_t kMebibyte = 1024 * kKibibyte;

// A gRPC message: what clients take unless they are told otherwise.
inline constexpr std::size_t kLargestMessage = 4 * kMebibyte;

// A report with its findings, serialised.
inline constexpr std::size_t kLargestReport = 1 * kMebibyte;
// What the office writes in a response: key findings, comments, answers, reply, monitoring, signatory; serialised.
inline constexpr std::size_t kLargestBodyPart = 3 * kMebibyte / 2;
// What the force writes in a response: its contributions, serialised. A budget of its own, so that it cannot crowd the office out.
inline constexpr std::size_t kLargestForcePart = kMebibyte / 2;
// What the platform itself keeps in a response beside those: names, steps, writers.
inline constexpr std::size_t kLargestResponseFrame = 128 * kKibibyte;
// A response with its report.
inline constexpr std::size_t kLargestResponse =
    kLargestReport + kLargestBodyPart + kLargestForcePart + kLargestResponseFrame;

// The payload of an event. A feed's message holds one such event and its envelope at least.
inline constexpr std::size_t kLargestEvent = 7 * kMebibyte / 2;
// What is left for an event's envelope and the message around it.
inline constexpr std::size_t kEventRoom = 64 * kKibibyte;

// One rendition of what is published: a row's blob (MEDIUMBLOB, less what the protocol adds).
inline constexpr std::size_t kLargestRendition = 15 * kMebibyte;

static_assert(kLargestResponse + kEventRoom <= kLargestEvent, "what can be written can be approved");
static_assert(kLargestEvent + kEventRoom <= kLargestMessage, "what can be appended can be followed");

}  // namespace section55::base
