#include "tests/load/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace section55::load {

double Median(std::vector<double> values) {
  if (values.empty()) {
    return 0;
  }
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double Ratio(const Comparison& comparison) {
  std::vector<double> ratios;
  for (size_t i = 0; i < comparison.subject_per_second.size(); ++i) {
    ratios.push_back(comparison.subject_per_second[i] / comparison.floor_per_second[i]);
  }
  return Median(std::move(ratios));
}

std::string Markdown(const std::vector<Comparison>& comparisons, const std::vector<Figure>& figures) {
  std::string text =
      "| what | per second | floor | floor per second | ratio | first target |\n|---|---:|---|---:|---:|---:|\n";
  for (const auto& comparison : comparisons) {
    text += fmt::format("| {} | {:.0f} | {} | {:.0f} | {:.2f} | {} |\n", comparison.name,
                        Median(comparison.subject_per_second), comparison.floor, Median(comparison.floor_per_second),
                        Ratio(comparison), comparison.target > 0 ? fmt::format("{:.2f}", comparison.target) : "");
  }
  text += "\n| what | median | largest | at most |\n|---|---:|---:|---:|\n";
  for (const auto& figure : figures) {
    text += fmt::format("| {} | {:.1f} {} | {:.1f} {} | {} |\n", figure.name, Median(figure.values), figure.unit,
                        *std::max_element(figure.values.begin(), figure.values.end()), figure.unit,
                        figure.limit > 0 ? fmt::format("{:.0f} {}", figure.limit, figure.unit) : "");
  }
  return text;
}

std::string Json(const std::vector<Comparison>& comparisons, const std::vector<Figure>& figures) {
  nlohmann::ordered_json report;
  for (const auto& comparison : comparisons) {
    report["comparisons"].push_back({{"name", comparison.name},
                                     {"per_second", comparison.subject_per_second},
                                     {"floor", comparison.floor},
                                     {"floor_per_second", comparison.floor_per_second},
                                     {"ratio", Ratio(comparison)},
                                     {"target", comparison.target}});
  }
  for (const auto& figure : figures) {
    report["figures"].push_back({{"name", figure.name},
                                 {"unit", figure.unit},
                                 {"values", figure.values},
                                 {"median", Median(figure.values)},
                                 {"limit", figure.limit}});
  }
  return report.dump(2) + "\n";
}

}  // namespace section55::load
