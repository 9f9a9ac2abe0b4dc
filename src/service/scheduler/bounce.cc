#include "service/scheduler/bounce.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/metrics.h"
#include "grammar/dsn/report.h"
#include "service/scheduler/retry.h"
#include "state/queue/crash_note.h"

namespace godwit::scheduler {
namespace {

using queue::Message;
using queue::Outcome;
using queue::Recipient;

// Without RET the choice is ours (RFC 3461 4.3): a whole message up to this size, the headers of a larger one.
constexpr std::uint64_t kFullUnasked = 64 * 1024;

bool return_full(const Message& message, Notice notice) {
  const std::uint64_t size = message.prefix.size() + message.size;
  if (notice == Notice::delay || message.ret == Message::Return::headers) return false;
  return size <= (message.ret == Message::Return::full ? dsn::kFullLimit : kFullUnasked);
}

// The host's name out of "mx.example.net [192.0.2.1]:25". What we decided ourselves has no remote MTA.
std::string remote_mta(const Outcome& outcome) {
  if (outcome.remote == "local" || outcome.remote_reply.empty()) return {};
  return outcome.remote.substr(0, outcome.remote.find(' '));
}

dsn::Recipient describe(const Recipient& recipient, const Message& message, const Settings& settings, Notice notice, WallTime now) {
  dsn::Recipient row;
  row.address = recipient.address.text();
  row.orcpt = recipient.orcpt;
  row.action = notice == Notice::failure ? dsn::Action::failed : dsn::Action::delayed;
  row.status = recipient.last.status.text();
  row.remote_mta = remote_mta(recipient.last);
  row.diagnostic = recipient.last.remote_reply;
  row.explanation = recipient.last.text;
  if (!recipient.original.empty() && recipient.original != row.address)
    row.explanation = fmt::format("reached through {}: {}", recipient.original, recipient.last.text);
  row.last_attempt = now;
  if (notice == Notice::delay) row.will_retry_until = expires(message, settings);
  return row;
}

// What can be read of the original: the whole, or at least its beginning. Damaged bytes leave our own fields.
Task<Result<std::string>> read_original(store::Blobs& blobs, const Message& message, std::size_t most) {
  std::string original = message.prefix;
  std::uint64_t offset = 0;
  while (original.size() < most && offset < message.size) {
    auto chunk = co_await blobs.read(message.blob, offset, most - original.size());
    if (!chunk && chunk.error().kind == Error::Kind::temporary) co_return std::unexpected(std::move(chunk).error());
    if (!chunk || chunk->empty()) break;
    offset += chunk->size();
    original += *chunk;
  }
  co_return original;
}

Task<smtp::Reply> hand_to_intake(const Context& context, const Message& message, dsn::Report made) {
  intake::Source source;
  source.door = intake::Source::Door::local;
  source.may_relay = true;
  source.session = "dsn-" + message.id.text();
  source.helo = context.settings()->hostname;
  intake::MailParameters parameters;
  parameters.size = made.bytes.size();
  parameters.body_8bit = made.eight_bit;
  parameters.smtputf8 = made.smtputf8;
  auto begun = co_await context.intake.begin(source, std::move(parameters));
  if (!begun) co_return std::move(begun).error();
  const std::unique_ptr<intake::Transaction> transaction = *std::move(begun);
  smtp::Address sender = message.reverse_path.address();
  queue::Notify never;  // RFC 3461 6.1: no report about a report
  never.given = true;
  never.never = true;
  std::string no_orcpt;
  auto reply = co_await transaction->add_recipient(std::move(sender), never, std::move(no_orcpt));
  if (!reply.positive()) co_return reply;
  reply = transaction->begin_body();
  if (!reply.positive() && !reply.intermediate()) co_return reply;
  constexpr std::size_t kChunk = 64 * 1024;
  for (std::size_t offset = 0; offset < made.bytes.size() && !transaction->failed(); offset += kChunk) {
    co_await transaction->append(std::string_view(made.bytes).substr(offset, kChunk));
  }
  co_return co_await transaction->commit();
}

dsn::Input make_input(const Context& context, const Message& message, Notice notice, const std::vector<std::size_t>& recipients) {
  const auto settings = context.settings();
  dsn::Input input;
  input.reporting_mta = settings->hostname;
  input.to = message.reverse_path.text();
  input.date = context.clock.now();
  input.message_id = fmt::format("dsn-{}-{}", message.id.text(), context.random.text(8));
  input.boundary = "dsn-" + context.random.text(24);
  input.arrival = message.accepted;
  input.envid = message.envid;
  input.smtputf8 = message.smtputf8;
  for (const std::size_t index : recipients)
    input.recipients.push_back(describe(message.recipients[index], message, *settings, notice, input.date));
  return input;
}

metrics::Counter& counter(Notice notice) {
  static auto& bounces = metrics::counter("godwit_scheduler_reports_total", "Reports handed to intake", {{"notice", "failure"}});
  static auto& delays = metrics::counter("godwit_scheduler_reports_total", "Reports handed to intake", {{"notice", "delay"}});
  return notice == Notice::failure ? bounces : delays;
}

Reported conclude(const Context& context, const Message& message, Notice notice, const smtp::Reply& reply) {
  const std::string name = message.id.text();
  const std::string sender = message.reverse_path.text();
  const std::string_view what = notice == Notice::failure ? "bounce" : "delay notice";
  const std::string words = reply.one_line();
  if (reply.positive()) {
    counter(notice).add();
    context.trace.add(message.id, "reported", fmt::format("{} to <{}>: {}", what, sender, words));
    log::info("reported", {{"msg", name}, {"notice", what}, {"to", sender}, {"reply", words}});
    return Reported::sent;
  }
  const bool for_good = reply.permanent();
  context.trace.add(message.id, for_good ? "dropped" : "report failed", fmt::format("{} to <{}> was refused: {}", what, sender, words));
  log::warning(for_good ? "report dropped" : "report deferred", {{"msg", name}, {"notice", what}, {"to", sender}, {"reply", words}});
  return for_good ? Reported::undeliverable : Reported::try_again;
}

}  // namespace

Task<Reported> report(const Context& context, const Message& message, Notice notice, std::vector<std::size_t> recipients) {
  std::erase_if(recipients, [&](std::size_t index) {
    const Recipient& recipient = message.recipients[index];
    return notice == Notice::failure ? !wants_failure(recipient) : !wants_delay(recipient);
  });
  if (recipients.empty()) co_return Reported::nobody;
  if (message.reverse_path.is_null()) {
    const std::string name = message.id.text();
    context.trace.add(message.id, "dropped", "no report: the message has a null reverse path");
    log::warning("undeliverable message without a sender dropped", {{"msg", name}, {"rcpts", recipients.size()}});
    co_return Reported::nobody;
  }
  const bool full = return_full(message, notice);
  auto original = co_await read_original(context.blobs, message, full ? dsn::kFullLimit : dsn::kHeaderLimit);
  if (!original) co_return Reported::try_again;
  dsn::Report made;
  {
    const queue::WorkingOn working(message.id);
    dsn::Input input = make_input(context, message, notice, recipients);
    input.original = *original;
    input.original_is_full = full && original->size() == message.prefix.size() + message.size;
    made = dsn::build_report(input);
  }
  const smtp::Reply reply = co_await hand_to_intake(context, message, std::move(made));
  co_return conclude(context, message, notice, reply);
}

}  // namespace godwit::scheduler
