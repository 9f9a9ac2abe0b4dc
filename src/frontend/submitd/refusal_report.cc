#include "frontend/submitd/refusal_report.h"

#include "grammar/dsn/report.h"
#include "service/intake/own_mail.h"

namespace godwit::submitd {
namespace {

dsn::Report make_report(Context& context, const smtp::ReversePath& sender, const std::vector<Refused>& refused, std::string_view original) {
  const auto settings = context.settings();
  dsn::Input input;
  input.reporting_mta = settings->hostname;
  input.texts = settings->texts.get();
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
  dsn::Report made = make_report(context, sender, refused, original);
  intake::OwnMail mail{"dsn-drop", context.settings()->hostname, sender.address(), std::move(made.bytes), made.eight_bit, made.smtputf8};
  co_return co_await intake::hand_in(context.intake, std::move(mail));
}

}  // namespace godwit::submitd
