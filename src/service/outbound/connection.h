#pragma once
// One SMTP or LMTP dialogue as a client: greeting, EHLO, message after message, QUIT. RFC 5321, 2033; pipelined where offered (RFC 2920).
//
// Owned by a coroutine of its site, on the site's loop. Work comes from a JobSource and goes back to it exactly once: finished,
// or given back because the server had not said a word about it when the dialogue ended.
// Memory: one piece of a body (64 KiB) and one group of commands, twice (the message under way and the next one).

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "edge/net/line_reader.h"
#include "edge/net/stream.h"
#include "edge/store/blobs.h"
#include "grammar/smtp/extension.h"
#include "grammar/smtp/reply.h"
#include "service/outbound/terms.h"
#include "service/outbound/transaction.h"

namespace godwit::outbound {

class JobSource {
 public:
  virtual ~JobSource() = default;
  virtual std::optional<Work> next() = 0;  // does not wait
  virtual void finished(Work work) = 0;    // every recipient is decided
  virtual void give_back(Work work) = 0;   // some are open: first in line, at once
};

class Connection {
 public:
  // `remote` names the server in outcomes: "mx.example.net [192.0.2.1]:25".
  Connection(std::unique_ptr<net::Stream> stream, std::string remote, store::Blobs& blobs);

  // Greeting, EHLO (or HELO; LHLO), STARTTLS and EHLO again, AUTH: what the terms ask for. The outcome says why this server is of no use
  // now, for whatever message.
  Task<std::expected<void, queue::Outcome>> greet(std::string hostname, Terms terms);
  // greet() failed at TLS after it was agreed upon, and the terms let a new connection do without.
  bool tls_failed() const { return tls_failed_; }
  // Sends what the source has, at most `most` messages in the life of the connection; returns when it has nothing more, or when the
  // dialogue has ended. With PIPELINING the end of one message and the commands of the next go out in one write.
  Task<> carry(JobSource& source, std::size_t most);
  Task<> quit();
  // Everything ends: what is awaited, and the next thing that would be.
  void cancel() {
    cancelled_ = true;
    if (stream_) stream_->cancel();  // null during a handshake
    handshake_.cancel();
  }

  void set_family(bool v6) { over_v6_ = v6; }
  std::optional<bool> over_v6() const { return over_v6_; }  // nothing: a Unix socket

  bool usable() const { return usable_; }
  std::size_t taken() const { return taken_; }                             // messages begun
  std::size_t settled() const { return settled_; }                         // messages that the server answered to their end
  const std::optional<queue::Outcome>& broken() const { return broken_; }  // why the dialogue ended in the middle of a message
  bool given_back() const { return given_back_; }                          // and that message shall have another connection
  bool timed_out() const { return timed_out_; }                            // so it ended because the server stalled
  const std::string& remote() const { return remote_; }
  const net::TlsInfo* tls() const { return stream_ ? stream_->tls() : nullptr; }  // null in plain text
  const smtp::Extensions& extensions() const { return extensions_; }

 private:
  using Step = std::expected<void, queue::Outcome>;  // the outcome is for the message under way; the dialogue is over

  Task<Result<smtp::Reply>> read_reply(Duration timeout);
  Task<Result<smtp::Reply>> command(std::string line, Duration timeout);
  Task<Result<void>> flush(Duration timeout);
  // connection_opening.cc
  Task<Step> read_greeting(const std::string& hostname);
  Task<Step> hello(const std::string& hostname);
  Task<Step> secure(const std::string& hostname);
  Task<Step> start_tls(const std::string& hostname);
  Task<Step> shake_hands();
  Task<Step> log_in();
  Task<Step> leave(smtp::EnhancedCode status, std::string why, const smtp::Reply* reply = nullptr);
  queue::Outcome tls_failure(std::string_view why);
  std::string tls_demand() const;

  Task<std::optional<Transaction>> take(JobSource& source);
  Task<bool> carry_current(JobSource& source);
  Task<Step> converse();
  Task<Step> read_replies();
  Task<Step> send_message(JobSource& source);
  Task<Step> send_body();
  Task<Step> end_of_data();
  Task<Step> final_replies();
  Task<bool> reset();
  Task<> say_goodbye();
  Task<queue::Outcome> write_failed(Error error);
  void settle(JobSource& source);
  void abandon(JobSource& source, const queue::Outcome& why);

  std::unique_ptr<net::Stream> stream_;
  net::Cancellation handshake_;
  std::string remote_;
  Terms terms_;
  store::Blobs& blobs_;
  net::LineReader reader_;
  smtp::ReplyParser parser_;
  smtp::Extensions extensions_;
  std::string out_;  // what goes out with the next write
  std::optional<Transaction> current_;
  std::optional<Transaction> next_;  // its first commands went out behind the body of current_
  std::size_t resets_ = 0;           // RSETs in out_ or unanswered
  std::size_t most_ = 0;
  std::size_t taken_ = 0;
  std::size_t settled_ = 0;
  std::optional<bool> over_v6_;
  bool usable_ = false;
  bool tls_failed_ = false;
  bool cancelled_ = false;
  bool timed_out_ = false;
  bool given_back_ = false;
  std::optional<queue::Outcome> broken_;
};

}  // namespace godwit::outbound
