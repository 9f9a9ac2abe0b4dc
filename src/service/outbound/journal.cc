#include "service/outbound/journal.h"

#include <algorithm>
#include <array>

#include "base/log.h"

namespace godwit::outbound {
namespace {

using Kind = queue::Outcome::Kind;

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::delivered: return "delivered";
    case Kind::deferred: return "deferred";
    case Kind::bounced: return "bounced";
  }
  return "deferred";
}

metrics::Counter& recipients_counter(Kind kind) {
  static constexpr std::string_view kName = "godwit_outbound_recipients_total";
  static constexpr std::string_view kHelp = "Recipients that were attempted over SMTP, by outcome";
  static const std::array<metrics::Counter*, 3> kCounters{&metrics::counter(kName, kHelp, {{"outcome", "delivered"}}),
                                                          &metrics::counter(kName, kHelp, {{"outcome", "deferred"}}),
                                                          &metrics::counter(kName, kHelp, {{"outcome", "bounced"}})};
  return *kCounters[static_cast<std::size_t>(kind)];
}

// Classes are few: they stand in a table.
void count_refusal(const queue::Outcome& outcome) {
  if (outcome.reply_class.empty()) return;
  metrics::counter("godwit_outbound_refusals_total", "Recipients that were deferred or bounced over SMTP, by class of the reply",
                   {{"class", outcome.reply_class}})
      .add();
}

std::string sentence(const queue::Outcome& outcome, const Work& work, std::string_view whom) {
  std::string out = outcome.remote.empty() ? std::string("outbound") : outcome.remote;
  if (work.source) out.append(" from ").append(work.source->name);
  out.append(", ").append(whom).append(": ").append(outcome.text);
  if (!outcome.remote_reply.empty()) out.append(": ").append(outcome.remote_reply);
  if (!outcome.reply_class.empty()) out.append(" [").append(outcome.reply_class).append("]");
  return out;
}

bool same(const queue::Outcome& a, const queue::Outcome& b) {
  return a.kind == b.kind && a.text == b.text && a.remote == b.remote && a.remote_reply == b.remote_reply;
}

}  // namespace

void record_attempt(trace::Trace& trace, const Work& work) {
  const queue::Message& message = *work.job.message;
  const bool logged = log::enabled(log::Level::info);
  const bool alike =
      std::ranges::all_of(work.outcomes, [&](const queue::Outcome& outcome) { return same(outcome, work.outcomes.front()); });
  if (alike && work.outcomes.size() > 1)
    trace.add(message.id, "attempt", sentence(work.outcomes.front(), work, std::to_string(work.outcomes.size()) + " recipients"));
  for (std::size_t i = 0; i < work.outcomes.size(); ++i) {
    const queue::Outcome& outcome = work.outcomes[i];
    const queue::Recipient& recipient = message.recipients[work.job.recipients[i]];
    recipients_counter(outcome.kind).add();
    count_refusal(outcome);
    if (work.source && work.source->counters[0]) work.source->counters[static_cast<std::size_t>(outcome.kind)]->add();
    if (!alike || work.outcomes.size() == 1)
      trace.add(message.id, "attempt", sentence(outcome, work, "<" + recipient.address.text() + ">"));
    if (logged)
      log::info("attempt", {{"msg", message.id.text()},
                            {"rcpt", recipient.address.text()},
                            {"site", work.job.site->name},
                            {"source", work.source ? std::string_view(work.source->name) : std::string_view()},
                            {"remote", outcome.remote},
                            {"outcome", to_string(outcome.kind)},
                            {"status", outcome.status.text()},
                            {"class", outcome.reply_class},
                            {"text", outcome.text},
                            {"reply", outcome.remote_reply}});
  }
}

Metrics& outbound_metrics() {
  static Metrics instance{
      metrics::counter("godwit_outbound_connections_total", "SMTP connections to other servers that were opened and greeted"),
      metrics::counter("godwit_outbound_connection_failures_total", "Attempts to connect to another server that failed before any message"),
      metrics::gauge("godwit_outbound_connections", "SMTP connections to other servers that are open"),
      metrics::gauge("godwit_outbound_waiting", "Jobs that wait for a connection to their site")};
  return instance;
}

}  // namespace godwit::outbound
