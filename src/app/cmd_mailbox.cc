#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>

#include "app/commands.h"
#include "app/control_client.h"
#include "app/table.h"
#include "base/bytes.h"

namespace godwit::app {
namespace {

struct MailboxOptions {
  std::string account;
  std::string name;
  std::string to;
  std::string special_use;
};

std::string number(const boost::json::object& row, std::string_view key) {
  return fmt::format("{}", row.at(key).to_number<std::uint64_t>());
}

void show_mailboxes(const boost::json::object& answer, const std::string& account) {
  if (answer.at("mailboxes").as_array().empty())
    return fmt::print("{} has no mailboxes yet; the first login or mail makes them\n", account);
  Table table({"MAILBOX", "USE", "MESSAGES", "UNSEEN", "BYTES"});
  for (const auto& each : answer.at("mailboxes").as_array()) {
    const auto& row = each.as_object();
    table.add({text_of(row, "name"), text_of(row, "special_use"), number(row, "messages"), number(row, "unseen"), number(row, "bytes")});
  }
  fmt::print("{}", table.text());
}

void show_stats(const boost::json::object& answer) {
  Table table({"ACCOUNT", "MAILBOXES", "MESSAGES", "BYTES"});
  std::uint64_t accounts = 0;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  for (const auto& each : answer.at("accounts").as_array()) {
    const auto& row = each.as_object();
    table.add({text_of(row, "address"), number(row, "mailboxes"), number(row, "messages"), number(row, "bytes")});
    ++accounts;
    messages += row.at("messages").to_number<std::uint64_t>();
    bytes += row.at("bytes").to_number<std::uint64_t>();
  }
  if (!table.empty()) fmt::print("{}", table.text());
  fmt::print("{} accounts, {} messages, {} bytes\n", accounts, messages, bytes);
}

// RFC 9051 6.3.6: INBOX stays, its messages move.
void show_renamed(const boost::json::object& answer) {
  const std::string from = text_of(answer, "from");
  fmt::print(fmt::runtime(from == "INBOX" ? "the messages of {} are in {} now\n" : "{} is {} now\n"), from, text_of(answer, "to"));
}

std::string path_of(const MailboxOptions& mailbox) { return "/v1/mailboxes/" + encode_segment(mailbox.account); }

}  // namespace

void add_mailbox_command(CLI::App& app, const Options& options, Action& action) {
  auto* command = app.add_subcommand("mailbox", "the mailboxes of an account");
  command->require_subcommand(1);
  auto mailbox = std::make_shared<MailboxOptions>();

  auto* list = command->add_subcommand("list", "the mailboxes of ACCOUNT");
  list->add_option("ACCOUNT", mailbox->account)->required();
  list->callback([&options, &action, mailbox] {
    action = [&options, mailbox] {
      return call_and_print(options, "GET", path_of(*mailbox), {},
                            [mailbox](const auto& answer) { show_mailboxes(answer, mailbox->account); });
    };
  });

  auto* create = command->add_subcommand("create", "make a mailbox; levels are divided by /");
  create->add_option("ACCOUNT", mailbox->account)->required();
  create->add_option("NAME", mailbox->name)->required();
  create->add_option("--special-use", mailbox->special_use, "such as '\\Archive' (RFC 6154)");
  create->callback([&options, &action, mailbox] {
    action = [&options, mailbox] {
      return call_and_print(options, "POST", path_of(*mailbox), {{"name", mailbox->name}, {"special_use", mailbox->special_use}},
                            [](const auto& made) { fmt::print("{} created\n", text_of(made, "name")); });
    };
  });

  auto* rename = command->add_subcommand("rename", "rename a mailbox and those below it");
  rename->add_option("ACCOUNT", mailbox->account)->required();
  rename->add_option("FROM", mailbox->name)->required();
  rename->add_option("TO", mailbox->to)->required();
  rename->callback([&options, &action, mailbox] {
    action = [&options, mailbox] {
      return call_and_print(options, "PUT", path_of(*mailbox), {{"from", mailbox->name}, {"to", mailbox->to}}, show_renamed);
    };
  });

  auto* remove = command->add_subcommand("delete", "delete a mailbox and the messages in it; those below it stay");
  remove->add_option("ACCOUNT", mailbox->account)->required();
  remove->add_option("NAME", mailbox->name)->required();
  remove->callback([&options, &action, mailbox] {
    action = [&options, mailbox] {
      return call_and_print(options, "DELETE", path_of(*mailbox), {{"name", mailbox->name}},
                            [](const auto& gone) { fmt::print("{} deleted\n", text_of(gone, "name")); });
    };
  });

  auto* stats = command->add_subcommand("stats", "what the accounts hold");
  stats->callback([&options, &action] { action = [&options] { return call_and_print(options, "GET", "/v1/mailboxes", {}, show_stats); }; });
}

}  // namespace godwit::app
