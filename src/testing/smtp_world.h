#pragma once
// The SMTP server in a test: smtpd::serve() on memory streams, over a MailWorld, as a TranscriptWorld. The directives that it adds
// are listed in tests/transcripts/README.md. Header only, as mail_world.h.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <regex>

#include "base/units.h"
#include "edge/net/task_group.h"
#include "frontend/smtpd/smtpd.h"
#include "grammar/smtp/dsn_parameters.h"
#include "testing/mail_world.h"
#include "testing/memory_stream.h"
#include "testing/transcript.h"

namespace godwit::testing {

class SmtpWorld final : public TranscriptWorld {
 public:
  SmtpWorld() {
    settings.hostname = mail.settings.hostname;
    open();
  }
  ~SmtpWorld() override {
    tasks_->stop();
    mail.loop.advance(std::chrono::minutes(10));  // whoever waits gives up
  }

  TestLoop& loop() override { return mail.loop; }
  void serve(std::unique_ptr<net::Stream> server_end) override {
    net::spawn(mail.loop.executor(), *tasks_, "smtpd", smtpd::serve(std::move(server_end), role, *context_));
  }
  void crash() override { mail.crash(); }
  Result<void> restart() override {
    tasks_->stop();
    mail.loop.advance(std::chrono::minutes(10));
    mail.restart();
    open();
    return {};
  }
  Result<void> directive(const TranscriptStep& step) override {
    const auto found = table().find(step.arguments[0]);
    if (found == table().end()) return wrong("no such directive");
    return (this->*found->second)(step);
  }
  std::size_t sessions() const { return tasks_->running(); }

  MailWorld mail;
  smtpd::Settings settings;
  smtpd::Role role = smtpd::Role::mx;
  bool tls_available = true;
  net::ConnectionLimits limits{10'000, 100};
  std::shared_ptr<FakeTls> tls = std::make_shared<FakeTls>();

 private:
  using Method = Result<void> (SmtpWorld::*)(const TranscriptStep&);
  using Words = const std::vector<std::string>&;

  static const std::map<std::string, Method>& table() {
    static const std::map<std::string, Method> entries = {
        {"role", &SmtpWorld::do_role},
        {"domain", &SmtpWorld::do_domain},
        {"account", &SmtpWorld::do_account},
        {"alias", &SmtpWorld::do_alias},
        {"route", &SmtpWorld::do_route},
        {"full", &SmtpWorld::do_full},
        {"set", &SmtpWorld::do_set},
        {"relay-from", &SmtpWorld::do_relay},
        {"allow", &SmtpWorld::do_allow},
        {"tls", &SmtpWorld::do_tls},
        {"connections", &SmtpWorld::do_limits},
        {"stop", &SmtpWorld::do_stop},
        {"cut", &SmtpWorld::do_cut},
        {"store-fails", &SmtpWorld::do_fails},
        {"stored", &SmtpWorld::do_stored},
        {"stored-body", &SmtpWorld::do_body},
        {"stored-has", &SmtpWorld::do_has},
        {"stored-lacks", &SmtpWorld::do_lacks},
        {"stored-from", &SmtpWorld::do_from},
        {"stored-to", &SmtpWorld::do_to},
        {"stored-original", &SmtpWorld::do_original},
        {"sessions", &SmtpWorld::do_sessions},
        {"stored-first", &SmtpWorld::do_first},
        {"stored-dsn", &SmtpWorld::do_dsn},
        {"stored-notify", &SmtpWorld::do_notify},
    };
    return entries;
  }

  static Result<void> wrong(std::string text) { return fail(Error::permanent(Error::Cause::conflict, std::move(text))); }

  void open() {
    context_.reset();
    tasks_ = std::make_unique<net::TaskGroup>();
    context_.reset(new smtpd::Context{
        .intake = *mail.intake,
        .directory = *mail.directory,
        .clock = mail.loop.clock(),
        .random = mail.random,
        .tls = [this]() -> std::shared_ptr<net::TlsAcceptor> { return tls_available ? tls : nullptr; },
        .settings = [this] { return std::make_shared<const smtpd::Settings>(settings); },
        .tasks = *tasks_,
        .limits = limits,
    });
  }

  Result<void> do_role(const TranscriptStep& step) {
    static const std::map<std::string, smtpd::Role> roles = {
        {"mx", smtpd::Role::mx}, {"submission", smtpd::Role::submission}, {"submissions", smtpd::Role::submissions}};
    const auto found = step.arguments.size() == 2 ? roles.find(step.arguments[1]) : roles.end();
    if (found == roles.end()) return wrong("mx, submission or submissions");
    role = found->second;
    return {};
  }
  Result<void> do_domain(const TranscriptStep& step) { return mail.add_domain(step.arguments.at(1)); }
  Result<void> do_account(const TranscriptStep& step) {
    GODWIT_TRY(mail.add_account(step.arguments.at(1), step.arguments.at(2)));
    return {};
  }
  Result<void> do_alias(const TranscriptStep& step) {
    return mail.add_alias(step.arguments.at(1), std::vector<std::string>(step.arguments.begin() + 2, step.arguments.end()));
  }
  Result<void> do_route(const TranscriptStep& step) {
    return mail.add_route({step.arguments.at(1), std::vector<std::string>(step.arguments.begin() + 2, step.arguments.end())});
  }
  Result<void> do_full(const TranscriptStep& step) {
    const bool full = step.arguments.at(1) == "on";
    mail.engine.set_full(full);
    mail.blobs.set_full(full);
    return {};
  }
  Result<void> do_fails(const TranscriptStep& step) {
    const std::string& what = step.arguments.at(1);
    if (what == "bytes")
      mail.blobs.fail_syncs(true);
    else if (what == "rows-full")
      mail.engine.fail_at(1, MemoryEngine::Failure::full);
    else if (what == "reads")
      mail.engine.crash_keeping_all();
    else if (what == "no")
      mail.blobs.fail_syncs(false);
    else
      return wrong("bytes, rows-full, reads or no");
    return {};
  }
  Result<void> do_relay(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto network, parse_network(step.arguments.at(1)));
    settings.relay_from.push_back(network);
    return {};
  }
  Result<void> do_allow(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto network, parse_network(step.arguments.at(1)));
    settings.allow.push_back(network);
    return {};
  }
  Result<void> do_tls(const TranscriptStep& step) {
    const std::string& what = step.arguments.at(1);
    if (what == "off")
      tls_available = false;
    else if (what == "on")
      tls_available = true;
    else if (what == "fails")
      tls->fail_next = true;
    else
      return wrong("on, off or fails");
    return {};
  }
  Result<void> do_limits(const TranscriptStep& step) {
    limits.set(std::stoul(step.arguments.at(1)), std::stoul(step.arguments.at(2)));
    return {};
  }
  Result<void> do_stop(const TranscriptStep&) {
    tasks_->stop();
    return {};
  }
  Result<void> do_cut(const TranscriptStep&) {
    tasks_->cut();
    return {};
  }
  Result<void> do_sessions(const TranscriptStep& step) {
    if (sessions() != std::stoul(step.arguments.at(1))) return wrong(fmt::format("there are {}", sessions()));
    return {};
  }
  Result<void> do_set(const TranscriptStep& step) {
    const std::string& name = step.arguments.at(1);
    if (name == "max_message_size")
      settings.max_message_size = mail.settings.max_message_size = std::stoull(step.arguments.at(2));
    else if (name == "max_recipients")
      mail.settings.max_recipients = std::stoull(step.arguments.at(2));
    else if (name == "recipients_anyone")
      mail.settings.max_recipients_anyone = std::stoull(step.arguments.at(2));
    else if (name == "protocol_errors")
      settings.max_errors = static_cast<unsigned>(std::stoul(step.arguments.at(2)));
    else if (name == "max_expanded")
      mail.settings.max_expanded = std::stoull(step.arguments.at(2));
    else if (name == "refused_recipients")
      settings.refused_recipients = std::stoull(step.arguments.at(2));
    else
      return wrong("no such setting");
    return {};
  }

  Result<queue::Message> last() {
    auto messages = mail.stored();
    if (messages.empty()) return fail(Error::permanent(Error::Cause::not_found, "nothing is stored"));
    return std::move(messages.back());
  }
  Result<std::string> last_text() {
    GODWIT_ASSIGN(const auto message, last());
    return message.prefix + mail.body_of(message);
  }
  Result<void> do_stored(const TranscriptStep& step) {
    const auto count = mail.stored().size();
    if (count != std::stoul(step.arguments.at(1))) return wrong(fmt::format("there are {}", count));
    if (mail.accepted.size() > count) return wrong("the scheduler was told of messages that are not there");
    return {};
  }
  Result<void> do_body(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto message, last());
    const std::string body = mail.body_of(message);
    return body == step.body ? Result<void>() : wrong(fmt::format("it is \"{}\"", body));
  }
  Result<void> do_has(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto text, last_text());
    return text.find(pattern(step)) != std::string::npos ? Result<void>() : wrong(fmt::format("not in \"{}\"", text));
  }
  Result<void> do_lacks(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto text, last_text());
    return text.find(pattern(step)) == std::string::npos ? Result<void>() : wrong(fmt::format("it is in \"{}\"", text));
  }
  Result<void> do_first(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto text, last_text());
    return text.starts_with(pattern(step)) ? Result<void>() : wrong(fmt::format("it begins with \"{}\"", text.substr(0, 200)));
  }
  static std::string pattern(const TranscriptStep& step) {
    if (!step.body.empty()) return step.body;
    return step.text.substr(std::min(step.text.size(), step.arguments[0].size() + 1));
  }
  Result<void> do_from(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto message, last());
    const std::string text = "<" + message.reverse_path.text() + ">";
    return text == step.arguments.at(1) ? Result<void>() : wrong("it is from " + text);
  }
  Result<void> do_to(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto message, last());
    std::vector<std::string> got{"stored-to"};
    for (const auto& recipient : message.recipients) got.push_back(recipient.address.text());
    return got == step.arguments ? Result<void>() : wrong(fmt::format("it goes to {}", fmt::join(got.begin() + 1, got.end(), " ")));
  }
  Result<void> do_original(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto message, last());
    for (const auto& recipient : message.recipients)
      if (recipient.address.text() == step.arguments.at(1))
        return recipient.original == step.arguments.at(2) ? Result<void>() : wrong("it is " + recipient.original);
    return wrong("no such recipient");
  }

  // RET and ENVID of the last message
  Result<void> do_dsn(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto message, last());
    using Return = queue::Message::Return;
    std::vector<std::string> got{"stored-dsn"};
    if (message.ret != Return::unset) got.push_back(message.ret == Return::full ? "FULL" : "HDRS");
    if (!message.envid.empty()) got.push_back(message.envid);
    return got == step.arguments ? Result<void>() : wrong(fmt::format("it has {}", fmt::join(got.begin() + 1, got.end(), " ")));
  }
  // NOTIFY and ORCPT of one of its recipients
  Result<void> do_notify(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto message, last());
    for (const auto& recipient : message.recipients) {
      if (recipient.address.text() != step.arguments.at(1)) continue;
      const queue::Notify& asked = recipient.notify;
      std::vector<std::string> got{"stored-notify", recipient.address.text()};
      if (asked.given) got.push_back(smtp::format_notify({true, asked.never, asked.success, asked.failure, asked.delay}));
      if (!recipient.orcpt.empty()) got.push_back(recipient.orcpt);
      return got == step.arguments ? Result<void>() : wrong(fmt::format("it is {}", fmt::join(got.begin() + 1, got.end(), " ")));
    }
    return wrong("no such recipient");
  }

  std::unique_ptr<net::TaskGroup> tasks_;
  std::unique_ptr<smtpd::Context> context_;
};

}  // namespace godwit::testing
