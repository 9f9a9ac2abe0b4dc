#include "base/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace godwit::metrics {
namespace {

using OwnedLabels = std::vector<std::pair<std::string, std::string>>;

template <class Metric>
struct Family {
  std::string help;
  std::map<OwnedLabels, std::unique_ptr<Metric>> members;
};

template <class Metric>
using Families = std::map<std::string, Family<Metric>, std::less<>>;

std::mutex mutex;
Families<Counter>& counters() {
  static Families<Counter> all;
  return all;
}
Families<Gauge>& gauges() {
  static Families<Gauge> all;
  return all;
}

template <class Metric>
Metric& find_or_make(Families<Metric>& families, std::string_view name, std::string_view help, Labels labels) {
  const std::lock_guard lock(mutex);
  Family<Metric>& family = families[std::string(name)];
  family.help = help;
  OwnedLabels owned(labels.begin(), labels.end());
  auto& slot = family.members[std::move(owned)];
  if (!slot) slot = std::make_unique<Metric>();
  return *slot;
}

template <class Metric>
void collect(const Families<Metric>& families, prometheus::MetricType type, std::vector<prometheus::MetricFamily>& out) {
  for (const auto& [name, family] : families) {
    prometheus::MetricFamily shown{name, family.help, type, {}};
    for (const auto& [labels, metric] : family.members) {
      prometheus::ClientMetric value;
      for (const auto& [key, text] : labels) value.label.push_back({key, text});
      if (type == prometheus::MetricType::Counter)
        value.counter.value = static_cast<double>(metric->value());
      else
        value.gauge.value = static_cast<double>(metric->value());
      shown.metric.push_back(std::move(value));
    }
    out.push_back(std::move(shown));
  }
}

}  // namespace

Counter& counter(std::string_view name, std::string_view help, Labels labels) { return find_or_make(counters(), name, help, labels); }
Gauge& gauge(std::string_view name, std::string_view help, Labels labels) { return find_or_make(gauges(), name, help, labels); }

std::string expose() {
  const std::lock_guard lock(mutex);
  std::vector<prometheus::MetricFamily> families;
  collect(counters(), prometheus::MetricType::Counter, families);
  collect(gauges(), prometheus::MetricType::Gauge, families);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace godwit::metrics
