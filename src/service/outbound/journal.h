#pragma once
// What is told about attempts: a log line a recipient, a trace event a message (one a recipient where they differ), metrics.

#include "base/metrics.h"
#include "service/outbound/transaction.h"
#include "state/trace/trace.h"

namespace godwit::outbound {

void record_attempt(trace::Trace& trace, const Work& work);

struct Metrics {
  metrics::Counter& connections;
  metrics::Counter& connection_failures;
  metrics::Gauge& open;
  metrics::Gauge& waiting;
};
Metrics& outbound_metrics();

}  // namespace godwit::outbound
