#include "service/intake/own_mail.h"

#include <utility>

namespace godwit::intake {

Task<smtp::Reply> hand_in(Intake& intake, OwnMail mail) {
  Source source;
  source.door = Source::Door::local;
  source.may_relay = true;
  source.session = std::move(mail.session);
  source.helo = std::move(mail.helo);
  MailParameters parameters;
  parameters.size = mail.bytes.size();
  parameters.body_8bit = mail.eight_bit;
  parameters.smtputf8 = mail.smtputf8;
  auto begun = co_await intake.begin(source, std::move(parameters));
  if (!begun) co_return std::move(begun).error();
  const std::unique_ptr<Transaction> transaction = *std::move(begun);
  queue::Notify never;
  never.given = true;
  never.never = true;
  std::string no_orcpt;
  auto reply = co_await transaction->add_recipient(std::move(mail.to), never, std::move(no_orcpt));
  if (!reply.positive()) co_return reply;
  reply = transaction->begin_body();
  if (!reply.positive() && !reply.intermediate()) co_return reply;
  constexpr std::size_t kChunk = 64 * 1024;
  for (std::size_t offset = 0; offset < mail.bytes.size() && !transaction->failed(); offset += kChunk)
    co_await transaction->append(std::string_view(mail.bytes).substr(offset, kChunk));
  co_return co_await transaction->commit();
}

}  // namespace godwit::intake
