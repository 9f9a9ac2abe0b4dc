// Which command when: RFC 9051 3, 6.

#include "frontend/imapd/session.h"

namespace godwit::imapd {
namespace {

template <class... Commands>
bool is_one_of(const imap::Request& request) {
  return (std::holds_alternative<Commands>(request) || ...);
}

bool in_any_state(const imap::Request& request) { return is_one_of<imap::Capability, imap::Noop, imap::Logout, imap::Id>(request); }

bool before_login(const imap::Request& request) { return is_one_of<imap::StartTls, imap::Authenticate, imap::Login>(request); }

bool with_a_mailbox(const imap::Request& request) {
  return is_one_of<imap::Check, imap::Close, imap::Unselect, imap::Expunge, imap::Copy, imap::Fetch, imap::Store, imap::Search, imap::Sort,
                   imap::Thread>(request);
}

// RFC 9051 7.5.1: message numbers in such a command, and in those that the client sends before it has the answer, must keep their meaning.
bool keeps_numbers(const imap::Request& request) {
  if (const auto* fetch = std::get_if<imap::Fetch>(&request)) return !fetch->uid;
  if (const auto* store = std::get_if<imap::Store>(&request)) return !store->uid;
  if (const auto* search = std::get_if<imap::Search>(&request)) return !search->uid;
  if (const auto* sort = std::get_if<imap::Sort>(&request)) return !sort->uid;
  if (const auto* thread = std::get_if<imap::Thread>(&request)) return !thread->uid;
  return false;
}

// The capability that a command belongs to; "" for those that are always there.
std::string_view capability_of(const imap::Request& request) {
  if (const auto* list = std::get_if<imap::List>(&request)) return list->form == imap::List::Form::xlist ? "XLIST" : "";
  if (const auto* copy = std::get_if<imap::Copy>(&request)) return copy->move ? "MOVE" : "";
  if (std::holds_alternative<imap::Enable>(request)) return "ENABLE";
  if (std::holds_alternative<imap::Id>(request)) return "ID";
  if (std::holds_alternative<imap::Idle>(request)) return "IDLE";
  if (std::holds_alternative<imap::Namespace>(request)) return "NAMESPACE";
  if (std::holds_alternative<imap::Unselect>(request)) return "UNSELECT";
  if (std::holds_alternative<imap::Sort>(request)) return "SORT";
  if (std::holds_alternative<imap::Compress>(request)) return "COMPRESS=DEFLATE";
  if (const auto* thread = std::get_if<imap::Thread>(&request))
    return thread->algorithm == imap::Thread::Algorithm::references ? "THREAD=REFERENCES" : "THREAD=ORDEREDSUBJECT";
  if (is_one_of<imap::GetQuota, imap::GetQuotaRoot, imap::SetQuota>(request)) return "QUOTA";
  return "";
}

}  // namespace

std::optional<Reply> Session::refuse_now(const imap::Request& request) const {
  const auto capability = capability_of(request);
  if (!capability.empty() && !has(capability)) return Reply::bad("This server does not have that command");
  if (in_any_state(request)) return std::nullopt;
  if (before_login(request)) {
    if (state_ == State::not_authenticated) return std::nullopt;
    return Reply::bad("You are logged in already");
  }
  if (state_ == State::not_authenticated) return Reply::bad("Log in first");
  if (with_a_mailbox(request) && !selected_) return Reply::bad("Select a mailbox first");
  return std::nullopt;
}

Task<Reply> Session::dispatch(imap::Command command) {
  if (auto refusal = refuse_now(command.request)) co_return *std::move(refusal);
  const Expunges expunges = keeps_numbers(command.request) ? Expunges::keep : Expunges::tell;
  auto run = [this](auto&& what) { return cmd(std::forward<decltype(what)>(what)); };
  Reply reply = co_await std::visit(run, std::move(command.request));
  if (!closing_) co_await tell_news(expunges);
  co_return reply;
}

}  // namespace godwit::imapd
