#include "frontend/imapd/search_command.h"
#include "frontend/imapd/session.h"

namespace godwit::imapd {

Searching Session::searching() {
  return Searching{.mailboxes = mailboxes(),
                   .blobs = context_.blobs,
                   .account = account(),
                   .mailbox = selected_->number,
                   .view = selected_->view,
                   .keywords = selected_->keywords,
                   .recent = &selected_->recent,
                   .now = context_.clock.now(),
                   .saved = &selected_->saved,
                   .stop = [this] { return out_.broken() || context_.tasks.cutting(); }};
}

// RFC 9051 6.4.4, RFC 3501 6.4.4
Task<Reply> Session::cmd(imap::Search command) {
  if (command.options && !has("ESEARCH")) co_return Reply::bad("This server does not have RETURN");
  if (command.options && command.options->save && !has("SEARCHRES")) co_return Reply::bad("This server does not have SAVE");
  if (names_keywords(command.key)) co_await refresh_keywords();
  Searching where = searching();
  where.first_alone = command.options && command.options->min && !command.options->max && !command.options->all && !command.options->count;
  auto found = co_await search(std::move(where), std::move(command.key), std::move(command.charset));
  if (!found) co_return search_failed(found.error(), command.options, *selected_);
  if (found->used_modseq) enable_condstore();  // RFC 7162 3.1
  if (command.options && command.options->save) selected_->saved = saved_of(found->uids, *command.options);
  Matches matches{std::move(found->uids), std::move(found->modseqs)};
  if (!command.uid) uids_to_numbers(selected_->view, matches.numbers);
  // RFC 9051 6.4.4: without options ALL
  if (!command.options && dialect_.rev2) command.options = imap::ReturnOptions{.all = true};
  if (!command.options)
    co_await tell_numbers(out_, "SEARCH", std::move(matches));
  else if (says_something(*command.options))
    append_esearch(out_.buffer(), tag_, command.uid, matches, *command.options);
  co_return Reply::ok("Searched");
}

}  // namespace godwit::imapd
