#pragma once
// The IMAP server in a test: imapd::serve() on memory streams over a MailboxWorld, as a TranscriptWorld. For this module's tests and fuzz
// target alone; the directives of its own are listed in the constructor.

#include "frontend/imapd/imapd.h"
#include "testing/mailbox_world.h"

namespace godwit::testing {

class ImapWorld final : public MailboxWorld<imapd::Settings> {
 public:
  ImapWorld() {
    add("mail", &ImapWorld::do_mail);                        // ADDRESS, the message in B lines
    add("mails", &ImapWorld::do_mails);                      // ADDRESS N: so many small ones
    add("expunge", &ImapWorld::do_expunge);                  // ADDRESS MAILBOX UID: as another session would
    add("flag", &ImapWorld::do_flag);                        // ADDRESS MAILBOX UID KEYWORD: as another session would
    add("delete-mailbox", &ImapWorld::do_delete);            // ADDRESS MAILBOX: as another session would
    add("without", &ImapWorld::do_without);                  // CAPABILITY...: switched off
    add("account-without", &ImapWorld::do_account_without);  // ADDRESS CAPABILITY...: switched off for that account
    add("quota", &ImapWorld::do_quota);                      // BYTES EMAILS
    add("append-limit", &ImapWorld::do_append);              // BYTES
    add("blobs", &ImapWorld::do_blobs);                      // KEPT DROPPED: so many messages' bytes are kept, so many were let go of
    add("verify", &ImapWorld::do_verify);                    // ADDRESS: its rows add up
    open();
  }
  ~ImapWorld() override { end_sessions(); }

  void serve(std::unique_ptr<net::Stream> server_end) override {
    spawn("imapd", imapd::serve(std::move(server_end), implicit_tls, "session1", *context_));
  }

  Result<mailbox::Mailbox> mailbox_of(std::string_view text, std::string name) {
    GODWIT_ASSIGN(const auto who, account(text));
    return loop().run(mailboxes->find(who.id, std::move(name)));
  }

 private:
  void open_front_end(net::TaskGroup& tasks) override {
    context_.reset(new imapd::Context{
        .directory = *directory,
        .mailboxes = *mailboxes,
        .blobs = blobs,
        .clock = loop().clock(),
        .tls = [this]() -> std::shared_ptr<net::TlsAcceptor> { return tls_available ? tls : nullptr; },
        .settings = [this] { return std::make_shared<const imapd::Settings>(settings); },
        .tasks = tasks,
        .limits = limits,
    });
  }
  static std::vector<mailbox::UidRange> one(const std::string& uid) {
    const auto number = static_cast<mailbox::Uid>(std::stoul(uid));
    return {{number, number}};
  }

  Result<void> do_mail(const TranscriptStep& step) {
    GODWIT_TRY(add_mail(step.arguments.at(1), "", step.body));
    return {};
  }
  Result<void> do_mails(const TranscriptStep& step) {
    for (std::size_t i = std::stoul(step.arguments.at(2)); i > 0; --i)
      GODWIT_TRY(add_mail(step.arguments.at(1), "", "Subject: one of many\r\n\r\nbody\r\n"));
    return {};
  }
  Result<void> do_expunge(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto who, account(step.arguments.at(1)));
    GODWIT_ASSIGN(const auto box, mailbox_of(step.arguments.at(1), step.arguments.at(2)));
    GODWIT_ASSIGN(const auto gone, loop().run(mailboxes->expunge(who.id, box.number, one(step.arguments.at(3)), false)));
    loop().run(mailboxes->tidy(who.id));
    return gone.size() == 1 ? Result<void>() : wrong("it was not there");
  }
  Result<void> do_flag(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto who, account(step.arguments.at(1)));
    GODWIT_ASSIGN(const auto box, mailbox_of(step.arguments.at(1), step.arguments.at(2)));
    mailbox::FlagChange change{mailbox::FlagChange::How::add, 0, {step.arguments.at(4)}};
    GODWIT_ASSIGN(const auto done,
                  loop().run(mailboxes->change_flags(who.id, box.number, one(step.arguments.at(3)), std::move(change), std::nullopt)));
    return done.messages.size() == 1 ? Result<void>() : wrong("it was not there");
  }
  Result<void> do_delete(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto who, account(step.arguments.at(1)));
    return loop().run(mailboxes->remove(who.id, step.arguments.at(2)));
  }
  Result<void> do_without(const TranscriptStep& step) {
    settings.without.assign(step.arguments.begin() + 1, step.arguments.end());
    return {};
  }
  Result<void> do_account_without(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto who, account(step.arguments.at(1)));
    std::vector<std::string> names(step.arguments.begin() + 2, step.arguments.end());
    return loop().run(directory->set_imap_without(who.address, std::move(names)));
  }
  Result<void> do_quota(const TranscriptStep& step) {
    settings.quota = {std::stoul(step.arguments.at(1)), std::stoul(step.arguments.at(2))};
    return {};
  }
  Result<void> do_append(const TranscriptStep& step) {
    settings.append_limit = std::stoul(step.arguments.at(1));
    return {};
  }
  Result<void> do_blobs(const TranscriptStep& step) {
    const std::size_t kept = blobs.ids().size();
    const std::size_t dropped = blobs.dropped().size();
    if (kept == std::stoul(step.arguments.at(1)) && dropped == std::stoul(step.arguments.at(2))) return {};
    return wrong(std::to_string(kept) + " are kept and " + std::to_string(dropped) + " were let go of");
  }
  Result<void> do_verify(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto who, account(step.arguments.at(1)));
    GODWIT_ASSIGN(const auto found, loop().run(mailboxes->verify(who.id)));
    return found.empty() ? Result<void>() : wrong(found.front());
  }

  std::unique_ptr<imapd::Context> context_;
};

}  // namespace godwit::testing
