#pragma once
// The POP3 server in a test: pop3d::serve() on memory streams over a MailboxWorld, as a TranscriptWorld. For this module's tests and fuzz
// target alone; the directives of its own are listed in the constructor.

#include "frontend/pop3d/pop3d.h"
#include "testing/mailbox_world.h"

namespace godwit::testing {

class Pop3World final : public MailboxWorld<pop3d::Settings> {
 public:
  Pop3World() {
    add("mail", &Pop3World::do_mail);          // ADDRESS, the message in B lines
    add("long-mail", &Pop3World::do_long);     // ADDRESS LINES: so many lines of 70 octets and CRLF behind a header
    add("expunge", &Pop3World::do_expunge);    // ADDRESS UID: as another session would
    add("uids", &Pop3World::do_uids);          // ADDRESS UID...: what INBOX must hold now
    add("lose-record", &Pop3World::do_lose);   // ADDRESS UID: its row, not its place in INBOX
    add("expire-0", &Pop3World::do_expire);    // what was retrieved goes at QUIT
    add("login-delay", &Pop3World::do_delay);  // SECONDS
    open();
  }
  ~Pop3World() override { end_sessions(); }

  void serve(std::unique_ptr<net::Stream> server_end) override {
    spawn("pop3d", pop3d::serve(std::move(server_end), implicit_tls, "session1", *context_));
  }

  Result<std::vector<mailbox::Uid>> uids(std::string_view text) {
    GODWIT_ASSIGN(const auto who, account(text));
    GODWIT_ASSIGN(const auto seen, loop().run(mailboxes->snapshot(who.id, mailbox::kInbox)));
    std::vector<mailbox::Uid> out;
    for (const auto& each : seen.messages) out.push_back(each.uid);
    return out;
  }

  pop3d::LoginDelays login_delays;

 private:
  void open_front_end(net::TaskGroup& tasks) override {
    context_.reset(new pop3d::Context{
        .directory = *directory,
        .mailboxes = *mailboxes,
        .blobs = blobs,
        .clock = loop().clock(),
        .tls = [this]() -> std::shared_ptr<net::TlsAcceptor> { return tls_available ? tls : nullptr; },
        .settings = [this] { return std::make_shared<const pop3d::Settings>(settings); },
        .tasks = tasks,
        .limits = limits,
        .login_delays = login_delays,
    });
  }

  Result<void> do_mail(const TranscriptStep& step) {
    GODWIT_TRY(add_mail(step.arguments.at(1), "Return-Path: <a@other.test>\r\n", step.body));
    return {};
  }
  Result<void> do_long(const TranscriptStep& step) {
    std::string body = "Subject: long\r\n\r\n";
    for (std::size_t i = std::stoul(step.arguments.at(2)); i > 0; --i) body += std::string(70, static_cast<char>('a' + i % 26)) + "\r\n";
    GODWIT_TRY(add_mail(step.arguments.at(1), "", std::move(body)));
    return {};
  }
  Result<void> do_expunge(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto who, account(step.arguments.at(1)));
    const auto uid = static_cast<mailbox::Uid>(std::stoul(step.arguments.at(2)));
    std::vector<mailbox::UidRange> which(1, mailbox::UidRange{uid, uid});
    GODWIT_ASSIGN(const auto removed, loop().run(mailboxes->expunge(who.id, mailbox::kInbox, std::move(which), false)));
    loop().run(mailboxes->tidy(who.id));
    return removed.size() == 1 ? Result<void>() : wrong("it was not there");
  }
  Result<void> do_uids(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto there, uids(step.arguments.at(1)));
    std::vector<mailbox::Uid> expected;
    for (std::size_t i = 2; i < step.arguments.size(); ++i) expected.push_back(static_cast<mailbox::Uid>(std::stoul(step.arguments[i])));
    if (there == expected) return {};
    std::string text = "there are";
    for (const auto uid : there) text += ' ' + std::to_string(uid);
    return wrong(std::move(text));
  }
  Result<void> do_lose(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto who, account(step.arguments.at(1)));
    GODWIT_ASSIGN(const auto seen, loop().run(mailboxes->snapshot(who.id, mailbox::kInbox)));
    store::Batch loss;
    for (const auto& each : seen.messages)
      if (each.uid == std::stoul(step.arguments.at(2))) loss.erase(store::Keyspace::mailbox, mailbox::email_key(each.email));
    return store::as_result(loop().run(engine.write(directory::partition_of(who.id), std::move(loss))), "the loss");
  }
  Result<void> do_expire(const TranscriptStep& /*step*/) {
    settings.removes_retrieved = true;
    return {};
  }
  Result<void> do_delay(const TranscriptStep& step) {
    settings.login_delay = std::chrono::seconds(std::stoul(step.arguments.at(1)));
    return {};
  }

  std::unique_ptr<pop3d::Context> context_;
};

}  // namespace godwit::testing
