#include "frontend/submitd/handover.h"

#include <algorithm>

#include "base/log.h"
#include "frontend/submitd/reply_text.h"
#include "grammar/smtp/dsn_parameters.h"

namespace godwit::submitd {
namespace {

// With the origin's domain where there is none.
Result<smtp::Address> complete(std::string_view text, const smtp::Domain& origin) {
  if (text.find('@') == std::string_view::npos) return smtp::parse_address(std::string(text) + "@" + origin.text());
  return smtp::parse_address(text);
}

// "" is none.
std::optional<queue::Notify> parse_notify(std::string_view text) {
  if (text.empty()) return queue::Notify();
  const auto parsed = smtp::parse_notify(text);
  if (!parsed) return std::nullopt;
  return queue::Notify{true, parsed->never, parsed->success, parsed->failure, parsed->delay};
}

// RFC 3461 4: as strictly as in the commands of SMTP
std::optional<smtp::Reply> check_reports(const submit::Envelope& envelope) {
  if (!envelope.ret.empty() && !smtp::parse_ret(envelope.ret)) return replies::bad_ret();
  if (!envelope.envid.empty() && !smtp::check_envid(envelope.envid)) return replies::bad_envid();
  for (const auto& [index, one] : envelope.for_one) {
    if (!parse_notify(one.notify)) return replies::bad_notify();
    if (!one.orcpt.empty() && !smtp::check_orcpt(one.orcpt)) return replies::bad_orcpt();
  }
  return std::nullopt;
}

smtp::Address caller_address(const submit::Envelope& envelope, unsigned uid, const smtp::Domain& origin) {
  if (auto named = complete(envelope.login, origin); named && envelope.login.find('@') == std::string::npos) return *std::move(named);
  auto numbered = smtp::make_local_part("uid-" + std::to_string(uid));
  GODWIT_CHECK(numbered.has_value());
  return {*std::move(numbered), origin};
}

// cron writes to root on a machine where nobody made that account: it is postmaster's business then.
Task<smtp::Reply> add(intake::Transaction& transaction, std::string text, const smtp::Domain& origin, queue::Notify notify,
                      std::string orcpt) {
  auto address = complete(text, origin);
  if (!address) co_return replies::bad_recipient();
  smtp::Address asked = *address;
  std::string same_orcpt = orcpt;
  auto reply = co_await transaction.add_recipient(std::move(asked), notify, std::move(same_orcpt));
  const bool unknown = reply.permanent() && reply.enhanced == smtp::EnhancedCode{5, 1, 1};
  if (!unknown || text != "root") co_return reply;
  auto postmaster = complete("postmaster", origin);
  if (!postmaster) co_return reply;
  co_return co_await transaction.add_recipient(*std::move(postmaster), notify, std::move(orcpt));
}

}  // namespace

Task<Result<smtp::Domain>> find_origin(directory::Directory& directory, std::string hostname) {
  GODWIT_CO_ASSIGN(const smtp::Domain host, smtp::parse_domain(hostname));
  for (std::string_view name = host.text(); !name.empty();) {
    GODWIT_CO_ASSIGN(smtp::Domain domain, smtp::parse_domain(name));
    smtp::Domain asked = domain;
    GODWIT_CO_ASSIGN(const bool ours, co_await directory.is_local(std::move(asked)));
    if (ours) co_return domain;
    const std::size_t dot = name.find('.');
    name = dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
  }
  GODWIT_CO_ASSIGN(auto domains, co_await directory.list_domains());
  co_return domains.empty() ? host : domains.front();
}

Task<std::expected<Handover, smtp::Reply>> begin(Context& context, Who who, const submit::Envelope& envelope) {
  std::string hostname = context.settings()->hostname;
  const auto origin = co_await find_origin(context.directory, std::move(hostname));
  if (!origin) co_return std::unexpected(replies::directory_unavailable());
  const auto notify = parse_notify(envelope.notify);
  if (!notify) co_return std::unexpected(replies::bad_notify());
  if (auto refusal = check_reports(envelope)) co_return std::unexpected(*std::move(refusal));

  Handover out;
  const smtp::Address caller = caller_address(envelope, who.uid, *origin);
  if (!envelope.from) {
    out.reverse_path = smtp::ReversePath(caller);
  } else if (!envelope.from->empty()) {
    auto sender = complete(*envelope.from, *origin);
    if (!sender) co_return std::unexpected(replies::bad_sender(*envelope.from));
    out.reverse_path = smtp::ReversePath(*std::move(sender));
  }
  if (envelope.author) out.author_field = format_author(*envelope.author, out.reverse_path.is_null() ? caller : out.reverse_path.address());

  intake::Source source;
  source.door = intake::Source::Door::local;
  source.may_relay = true;
  source.session = who.session;
  source.helo = envelope.login.empty() ? "sendmail" : envelope.login;
  source.uid = who.uid;
  intake::MailParameters parameters;
  parameters.reverse_path = out.reverse_path;
  if (envelope.size) parameters.size = *envelope.size + out.author_field.size();
  parameters.body_8bit = envelope.eight_bit;
  parameters.envid = envelope.envid;
  if (const auto ret = smtp::parse_ret(envelope.ret))
    parameters.ret = *ret == smtp::Ret::full ? queue::Message::Return::full : queue::Message::Return::headers;
  const auto beyond_ascii = [](std::string_view text) {
    return std::ranges::any_of(text.substr(0, text.rfind('@')), [](char c) { return static_cast<unsigned char>(c) > 127; });
  };
  parameters.smtputf8 = beyond_ascii(out.reverse_path.text()) || std::ranges::any_of(envelope.recipients, beyond_ascii);
  auto begun = co_await context.intake.begin(source, std::move(parameters));
  if (!begun) co_return std::unexpected(std::move(begun).error());
  out.transaction = *std::move(begun);
  for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
    std::string text = envelope.recipients[i];
    const auto one = envelope.for_one.find(i);
    const bool alone = one != envelope.for_one.end();
    const queue::Notify asked = alone && !one->second.notify.empty() ? *parse_notify(one->second.notify) : *notify;
    std::string orcpt = alone ? one->second.orcpt : std::string();
    auto reply = co_await add(*out.transaction, std::move(text), *origin, asked, std::move(orcpt));
    if (!reply.positive()) out.refused.push_back({envelope.recipients[i], std::move(reply)});
  }
  co_return std::expected<Handover, smtp::Reply>(std::move(out));
}

smtp::Reply combine(const std::vector<Refused>& refused) {
  const auto temporary = std::ranges::find_if(refused, [](const Refused& one) { return one.reply.transient(); });
  smtp::Reply all = temporary != refused.end() ? temporary->reply : refused.front().reply;
  all.text.clear();
  constexpr std::size_t kMost = 50;  // lines; a person reads them
  for (std::size_t i = 0; i < refused.size() && i < kMost; ++i)
    all.text += fmt::format("{}{}: {}", i == 0 ? "" : "\n", refused[i].recipient, refused[i].reply.text);
  if (refused.size() > kMost) all.text += fmt::format("\nand {} more", refused.size() - kMost);
  return all;
}

}  // namespace godwit::submitd
