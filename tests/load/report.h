// What the benchmark prints and writes: medians of rounds, as ratios of a floor measured in the same rounds.
#pragma once

#include <string>
#include <vector>

namespace section55::load {

// One comparison. `subject` and `floor` hold one figure per round, measured in turn.
struct Comparison {
  std::string name;   // "GetResponse, 8 connections x 16 in flight"
  std::string floor;  // "raw gRPC sync echo of the same bytes, TLS"
  std::vector<double> subject_per_second;
  std::vector<double> floor_per_second;
  double target = 0;  // the ratio this shape should reach; 0: none set
};

// A figure without a floor.
struct Figure {
  std::string name;  // "approval to visible page"
  std::string unit;  // "ms"
  std::vector<double> values;
  double limit = 0;  // at most; 0: none set
};

double Median(std::vector<double> values);

// The median of the ratios round by round.
double Ratio(const Comparison& comparison);

std::string Markdown(const std::vector<Comparison>& comparisons, const std::vector<Figure>& figures);
std::string Json(const std::vector<Comparison>& comparisons, const std::vector<Figure>& figures);

}  // namespace section55::load
