#pragma once
// sendmail -bs: an SMTP server on a pipe, for one program of this machine (RFC 5321). Bytes in, replies out: no I/O of its own, so that
// whoever runs it reads, writes and waits.
//
// Each message is collected whole, completed like any other of sendmail's, and handed over; its final reply says what came of it.
// Whether a recipient exists is known only then: RCPT checks the address alone. Addresses may lack a domain: <root>. Lines may end in LF
// (data_input.h). No TLS, no AUTH: the caller is who the kernel says. Memory: a message's first MiB (Spool), 4 KiB of a command.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/sendmail/data_input.h"
#include "app/sendmail/submission.h"
#include "grammar/message/header.h"
#include "grammar/smtp/reply.h"

namespace godwit::sendmail {

class SmtpDialogue {
 public:
  struct Environment {
    std::string hostname;
    std::uint64_t max_message_size = 0;
    std::size_t max_recipients = 0;
    submit::Envelope envelope;  // what each message begins with: login, notify, ret, envid; author for one without a From field
    // additions.h: what goes in front of a message of so many bytes
    std::function<std::string(const message::HeaderSummary&, std::uint64_t size)> missing_head;
    std::function<smtp::Reply(const Submission&)> hand_over;
  };

  static constexpr std::size_t kMaxCommand = 4'096;
  static constexpr std::size_t kMaxErrors = 20;

  explicit SmtpDialogue(Environment environment) : environment_(std::move(environment)) {}

  std::string greeting() const;
  // Appends the replies. After ended() nothing more is taken.
  void feed(std::string_view bytes, std::string& out);
  bool ended() const { return ended_; }                    // QUIT, or too many errors
  bool in_message() const { return message_ != nullptr; }  // between DATA and the end of the message

 private:
  struct Message {
    explicit Message(bool crlf_client) : input(crlf_client) {}
    DataInput input;
    Spool spool;
    message::HeaderScanner header;
    smtp::Reply refusal;  // code 0: none so far
  };
  struct Transaction {
    std::string from;
    bool smtputf8 = false;
    std::string ret;
    std::string envid;
    std::vector<std::string> recipients;
    std::map<std::size_t, submit::Envelope::ForOne> for_one;
    std::size_t bytes = 0;  // of the recipients
  };

  std::size_t take_command(std::string_view bytes, std::string& out);
  std::size_t take_message(std::string_view bytes, std::string& out);
  void keep(std::string_view text);
  smtp::Reply command(std::string_view line, bool crlf);
  smtp::Reply hello(std::string_view arguments, bool extended);
  smtp::Reply mail(std::string_view arguments);
  smtp::Reply rcpt(std::string_view arguments);
  smtp::Reply data(std::string_view arguments, bool crlf);
  smtp::Reply finish_message();
  void answer(const smtp::Reply& reply, std::string& out);

  Environment environment_;
  std::string line_;
  bool line_too_long_ = false;
  std::unique_ptr<Transaction> transaction_;
  std::unique_ptr<Message> message_;
  std::size_t errors_ = 0;
  bool ended_ = false;
};

}  // namespace godwit::sendmail
