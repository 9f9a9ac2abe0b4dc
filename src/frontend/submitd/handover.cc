#include "frontend/submitd/handover.h"

#include <algorithm>

#include "base/log.h"
#include "frontend/submitd/reply_text.h"

namespace godwit::submitd {
namespace {

// With the origin's domain where there is none.
Result<smtp::Address> complete(std::string_view text, const smtp::Domain& origin) {
  if (text.find('@') == std::string_view::npos) return smtp::parse_address(std::string(text) + "@" + origin.text());
  return smtp::parse_address(text);
}

std::optional<queue::Notify> parse_notify(std::string_view text) {
  queue::Notify notify;
  if (text.empty()) return notify;
  notify.given = true;
  if (text == "never") {
    notify.never = true;
    return notify;
  }
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    bool* const which = word == "success"   ? &notify.success
                        : word == "failure" ? &notify.failure
                        : word == "delay"   ? &notify.delay
                                            : nullptr;
    if (which == nullptr) return std::nullopt;
    *which = true;
  }
  return notify;
}

smtp::Address caller_address(const submit::Envelope& envelope, unsigned uid, const smtp::Domain& origin) {
  if (auto named = complete(envelope.login, origin); named && envelope.login.find('@') == std::string::npos) return *std::move(named);
  auto numbered = smtp::make_local_part("uid-" + std::to_string(uid));
  GODWIT_CHECK(numbered.has_value());
  return {*std::move(numbered), origin};
}

// cron writes to root on a machine where nobody made that account: it is postmaster's business then.
Task<smtp::Reply> add(intake::Transaction& transaction, std::string text, const smtp::Domain& origin, queue::Notify notify) {
  auto address = complete(text, origin);
  if (!address) co_return replies::bad_recipient();
  smtp::Address asked = *address;
  std::string no_orcpt;
  auto reply = co_await transaction.add_recipient(std::move(asked), notify, std::move(no_orcpt));
  const bool unknown = reply.permanent() && reply.enhanced == smtp::EnhancedCode{5, 1, 1};
  if (!unknown || text != "root") co_return reply;
  auto postmaster = complete("postmaster", origin);
  if (!postmaster) co_return reply;
  std::string still_no_orcpt;
  co_return co_await transaction.add_recipient(*std::move(postmaster), notify, std::move(still_no_orcpt));
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
  const auto beyond_ascii = [](std::string_view text) {
    return std::ranges::any_of(text.substr(0, text.rfind('@')), [](char c) { return static_cast<unsigned char>(c) > 127; });
  };
  parameters.smtputf8 = beyond_ascii(out.reverse_path.text()) || std::ranges::any_of(envelope.recipients, beyond_ascii);
  auto begun = co_await context.intake.begin(source, std::move(parameters));
  if (!begun) co_return std::unexpected(std::move(begun).error());
  out.transaction = *std::move(begun);
  for (const std::string& recipient : envelope.recipients) {
    std::string text = recipient;
    auto reply = co_await add(*out.transaction, std::move(text), *origin, *notify);
    if (!reply.positive()) out.refused.push_back({recipient, std::move(reply)});
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
