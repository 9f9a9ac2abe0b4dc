#pragma once
// The other side of the transcripts: Godwit is the client, the file plays the servers of the world. Real queue, scheduler and
// SMTP client; the DNS, the network and time are the file's. Lines and directives: README.md, "Outbound".

#include <fmt/format.h>

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/units.h"
#include "grammar/smtp/dsn_parameters.h"
#include "service/outbound/outbound.h"
#include "service/outbound/reply_class.h"
#include "service/scheduler/scheduler_fixture.h"
#include "testing/memory_stream.h"
#include "testing/transcript.h"

namespace godwit::testing {

class OutboundWorld : public scheduler::SchedulerFixture, public net::Dialer {
 public:
  OutboundWorld() {
    set_routes({});
    outbound_settings_->hostname = settings.hostname;
    outbound_settings_->probe = settings.retry;
    outbound_settings_->classes = outbound::ReplyClasses::shipped();
    outbound_settings_->forbidden_networks = {*parse_network("127.0.0.0/8")};
    outbound_ = outbound::make_outbound({*this, tls_, [](std::string host) { return no_such_host(std::move(host)); }, dns,
                                         [](const Endpoint& endpoint) { return endpoint.address == *parse_ip("198.51.100.1"); }, blobs,
                                         loop.clock(), random, trace, *tasks, loop.executor(),
                                         [this] { return std::shared_ptr<const outbound::Settings>(outbound_settings_); }});
  }
  ~OutboundWorld() override {
    outbound_->drain();
    connections_.clear();
    loop.advance(std::chrono::hours(1));
  }
  void TestBody() override {}

  // Errors name the line that did not hold.
  Result<void> play(const std::vector<TranscriptStep>& steps) {
    for (const TranscriptStep& step : steps) {
      const auto done = play_one(step);
      if (!done) return fail(Error::permanent(Error::Cause::syntax, fmt::format("line {}: {}", step.line, done.error().text)));
      loop.poll();
    }
    return unread();
  }

 private:
  struct Connection {
    std::unique_ptr<net::Stream> server;
    std::string host;
    std::string received;
    bool ended = false;
  };
  using Kind = TranscriptStep::Kind;
  using Words = std::vector<std::string>;

  static Error no(std::string text) { return Error::permanent(Error::Cause::syntax, std::move(text)); }
  static Task<Result<std::vector<IpAddress>>> no_such_host(std::string host) { co_return fail(no("no such host " + host)); }

  void offer(outbound::Job job) override { outbound_->offer(std::move(job)); }

  Task<Result<std::unique_ptr<net::Stream>>> dial(Endpoint to, Duration timeout, net::Cancellation* /*cancel*/) override {
    const std::string host = to.address.text();
    if (silent_.contains(host)) {
      co_await loop.clock().sleep(timeout);
      co_return fail(Error::temporary(Error::Cause::timed_out, "timed out"));
    }
    if (!listening_.contains(host)) co_return fail(Error::temporary(Error::Cause::closed, "connection refused"));
    auto streams = make_memory_streams(loop.clock());
    auto connection = std::make_shared<Connection>();
    connection->server = std::move(streams.first);
    connection->host = host;
    connections_.push_back(connection);
    loop.start(collect(connection));
    co_return std::move(streams.second);
  }

  static Task<> collect(std::shared_ptr<Connection> connection) {
    std::vector<char> buffer(65'536);
    while (true) {
      const auto got = co_await connection->server->read(buffer, std::chrono::hours(24 * 30));
      if (!got || *got == 0) break;
      connection->received.append(buffer.data(), *got);
    }
    connection->ended = true;
  }
  static Task<> say(std::shared_ptr<Connection> connection, std::string bytes) {
    ignore(co_await connection->server->write(bytes, std::chrono::seconds(1)), "the client may have gone");
  }

  Result<void> play_one(const TranscriptStep& step) {
    if (step.kind == Kind::directive) return directive(step.arguments, step.body);
    if (!current_) return fail(no("there is no connection yet: !connects IP"));
    if (step.kind == Kind::send) return expect(step.text);  // "C:", what Godwit must say
    loop.start(say(current_, step.text + "\r\n"));
    return {};
  }

  Result<void> expect(const std::string& bytes) {
    std::string& got = current_->received;
    if (!got.starts_with(bytes))
      return fail(no(
          fmt::format("expected {:?}, got {}", bytes, got.empty() ? (current_->ended ? "the end" : "nothing") : fmt::format("{:?}", got))));
    got.erase(0, bytes.size());
    return {};
  }

  Result<void> directive(const Words& words, const std::string& body) {
    const std::string& name = words[0];
    const auto word = [&](std::size_t i) { return i < words.size() ? words[i] : std::string(); };
    if (name == "mx") {
      dns.add_mx(word(1), static_cast<std::uint16_t>(std::stoi(word(2))), word(3));
    } else if (name == "host") {
      dns.add_address(word(1), word(2));
      listening_.insert(word(2));
    } else if (name == "down") {
      listening_.erase(word(1));
    } else if (name == "up") {
      listening_.insert(word(1));
      silent_.erase(word(1));
    } else if (name == "unanswering") {
      silent_.insert(word(1));
    } else if (name == "dns-fails") {
      dns.fail(word(1));
    } else if (name == "dns-recovers") {
      dns.recover(word(1));
    } else if (name == "tls-fails") {
      tls_.fail_next = true;
    } else if (name == "asks") {
      return asks(words);
    } else if (name == "mail") {
      return mail(words, body);
    } else if (name == "advance") {
      GODWIT_ASSIGN(const auto duration, parse_duration(word(1)));
      loop.advance(duration);
    } else if (name == "connects") {
      return take_connection(word(1));
    } else if (name == "close") {
      current_->server->close();
    } else if (name == "closed" || name == "open") {
      if (current_->ended != (name == "closed")) return fail(no(current_->ended ? "Godwit has closed" : "the connection is open"));
    } else if (name == "silent") {
      return unread();
    } else {
      return outcome(words);
    }
    return {};
  }

  // What became of the mail.
  Result<void> outcome(const Words& words) {
    const std::string& name = words[0];
    if (name == "waits") return waits(words);
    if (name == "gone") return queue_is_empty();
    if (name == "traced") return traced(words);
    if (name == "bounce" || name == "no-bounce") return bounce(words);
    return fail(no("there is no directive !" + name));
  }

  // !asks NOTIFY [RET [ENVID]]: so it is with the mails from now on (RFC 3461 4).
  Result<void> asks(const Words& words) {
    GODWIT_ASSIGN(const smtp::Notify notify, smtp::parse_notify(words.at(1)));
    asked_ = {{true, notify.never, notify.success, notify.failure, notify.delay}, queue::Message::Return::unset, {}};
    if (words.size() > 2) asked_.ret = words[2] == "FULL" ? queue::Message::Return::full : queue::Message::Return::headers;
    if (words.size() > 3) asked_.envid = words[3];
    return {};
  }

  Result<void> mail(const Words& words, const std::string& body) {
    queue::Message message = make({words.begin() + 2, words.end()}, words.at(1) == "<>" ? "" : words.at(1));
    message.ret = asked_.ret;
    message.envid = asked_.envid;
    for (queue::Recipient& recipient : message.recipients) recipient.notify = asked_.notify;
    GODWIT_ASSIGN(const MessageId id, send(std::move(message), body.empty() ? "Subject: x\r\n\r\nhello\r\n" : body));
    ids_.push_back(id);
    return {};
  }

  Result<void> take_connection(const std::string& host) {
    GODWIT_TRY(unread());
    for (auto each = connections_.begin(); each != connections_.end(); ++each) {
      if ((*each)->host != host) continue;
      current_ = *each;
      connections_.erase(each);
      return {};
    }
    return fail(no(fmt::format("nobody connected to {}{}", host, connections_.empty() ? "" : ", but to " + connections_.front()->host)));
  }

  Result<void> unread() const {
    if (current_ && !current_->received.empty()) return fail(no(fmt::format("Godwit also said {:?}", current_->received)));
    return {};
  }

  // !waits RECIPIENT STATUS DURATION: it is tried again in so long, give or take the tenth of the jitter.
  Result<void> waits(const Words& words) {
    GODWIT_ASSIGN(const auto wanted, parse_duration(words.at(3)));
    for (const MessageId id : ids_) {
      const auto message = load(id);
      if (!message) continue;
      for (const queue::Recipient& recipient : message->recipients) {
        if (recipient.address.text() != words.at(1) || recipient.state != queue::Recipient::State::pending) continue;
        const auto left = recipient.next_attempt - loop.clock().now();
        if (recipient.last.status.text() != words.at(2))
          return fail(no(fmt::format("its status is {} ({})", recipient.last.status.text(), recipient.last.text)));
        if (left < wanted * 9 / 10 || left > wanted * 11 / 10) return fail(no("it is tried again in " + format_duration(left)));
        return {};
      }
    }
    return fail(no(words.at(1) + " does not wait"));
  }

  Result<void> queue_is_empty() {
    for (const MessageId id : ids_)
      if (load(id)) return fail(no("a message is still in the queue"));
    return {};
  }

  // !traced KIND TEXT...: the last event of that kind contains the text.
  Result<void> traced(const Words& words) {
    const std::string wanted = fmt::format("{}", fmt::join(words.begin() + 2, words.end(), " "));
    if (!trace.last(words.at(1)).contains(wanted)) return fail(no(fmt::format("the last is {:?}", trace.last(words.at(1)))));
    return {};
  }

  // !bounce ACCOUNT TEXT...: the last mail in its mailbox contains the text; !no-bounce ACCOUNT: there is none.
  Result<void> bounce(const Words& words) {
    const auto texts = inbox(words.at(1));
    if (words[0] == "no-bounce") return texts.empty() ? Result<void>() : fail(no("there is a mail: " + texts.back()));
    const std::string wanted = fmt::format("{}", fmt::join(words.begin() + 2, words.end(), " "));
    if (texts.empty() || !texts.back().contains(wanted))
      return fail(no(texts.empty() ? "there is no mail" : "the last is:\n" + texts.back()));
    return {};
  }

  struct Asked {
    queue::Notify notify;
    queue::Message::Return ret = queue::Message::Return::unset;
    std::string envid;
  };
  Asked asked_;
  std::shared_ptr<outbound::Settings> outbound_settings_ = std::make_shared<outbound::Settings>();
  FakeTls tls_;
  std::unique_ptr<outbound::Outbound> outbound_;
  std::deque<std::shared_ptr<Connection>> connections_;  // that no line has taken up yet
  std::shared_ptr<Connection> current_;
  std::set<std::string> listening_;
  std::set<std::string> silent_;
  std::vector<MessageId> ids_;
};

}  // namespace godwit::testing
