#include "frontend/submitd/refusal_report.h"

#include "grammar/dsn/report.h"

namespace godwit::submitd {
namespace {

dsn::Report make_report(Context& context, const smtp::ReversePath& sender, const std::vector<Refused>& refused, std::string_view original) {
  dsn::Input input;
  input.reporting_mta = context.settings()->hostname;
  input.to = sender.text();
  input.date = context.clock.now();
  input.message_id = "dsn-drop-" + context.random.text(16);
  input.boundary = "dsn-" + context.random.text(24);
  input.original = original;
  for (const Refused& one : refused) {
    dsn::Recipient row;
    row.address = one.recipient;
    row.status = one.reply.enhanced.text();
    row.explanation = one.reply.text;
    row.last_attempt = input.date;
    input.recipients.push_back(std::move(row));
  }
  return dsn::build_report(input);
}

}  // namespace

Task<smtp::Reply> report_refusals(Context& context, const smtp::ReversePath& sender, const std::vector<Refused>& refused,
                                  std::string original) {
  if (sender.is_null()) co_return smtp::Reply{250, {2, 0, 0}, "Nobody to tell"};
  const dsn::Report report = make_report(context, sender, refused, original);
  intake::Source source;
  source.door = intake::Source::Door::local;
  source.may_relay = true;
  source.session = "dsn-drop";
  source.helo = context.settings()->hostname;
  intake::MailParameters parameters;
  parameters.size = report.bytes.size();
  parameters.body_8bit = report.eight_bit;
  parameters.smtputf8 = report.smtputf8;
  auto begun = co_await context.intake.begin(source, std::move(parameters));
  if (!begun) co_return std::move(begun).error();
  const auto transaction = *std::move(begun);
  queue::Notify never;  // RFC 3461 6.1: no report about a report
  never.given = true;
  never.never = true;
  smtp::Address to = sender.address();
  std::string no_orcpt;
  auto reply = co_await transaction->add_recipient(std::move(to), never, std::move(no_orcpt));
  if (!reply.positive()) co_return reply;
  reply = transaction->begin_body();
  if (!reply.intermediate()) co_return reply;
  co_await transaction->append(report.bytes);
  co_return co_await transaction->commit();
}

}  // namespace godwit::submitd
