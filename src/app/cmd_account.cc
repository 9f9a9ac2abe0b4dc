#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <iostream>
#include <memory>
#include <ranges>

#include "app/commands.h"
#include "app/control_client.h"
#include "app/table.h"
#include "base/bytes.h"

namespace godwit::app {
namespace {

struct AccountOptions {
  std::string address;
  std::string domain;
  bool password_stdin = false;
  std::string imap_without;
};

std::string ask_hidden(const char* prompt) {
  std::cerr << prompt << std::flush;
  termios before{};
  tcgetattr(STDIN_FILENO, &before);
  termios hidden = before;
  hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);  // Ctrl-C must not leave the terminal silent
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  std::string line;
  std::getline(std::cin, line);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
  std::cerr << "\n";
  if (line.contains('\x03')) std::exit(130);
  return line;
}

Result<std::string> read_password(bool from_stdin) {
  std::string password;
  if (from_stdin) {
    std::getline(std::cin, password);
    if (password.ends_with('\r')) password.pop_back();
  } else if (isatty(STDIN_FILENO) == 1) {
    password = ask_hidden("Password: ");
    if (password != ask_hidden("Again: ")) return fail(Error::permanent(Error::Cause::conflict, "the two passwords differ"));
  } else {
    return fail(Error::permanent(Error::Cause::syntax,
                                 "standard input is not a terminal; use --password-stdin and give the password as its first line"));
  }
  if (password.empty()) return fail(Error::permanent(Error::Cause::syntax, "an empty password is refused"));
  return password;
}

int add_account(const Options& options, const AccountOptions& account) {
  const auto password = read_password(account.password_stdin);
  if (!password) return failed(password.error());
  return call_and_print(options, "POST", "/v1/accounts", {{"address", account.address}, {"password", *password}},
                        [](const boost::json::object& answer) { fmt::print("{} added\n", text_of(answer, "address")); });
}

int change_password(const Options& options, const AccountOptions& account) {
  const auto password = read_password(account.password_stdin);
  if (!password) return failed(password.error());
  return call_and_print(options, "PUT", "/v1/accounts/" + encode_segment(account.address) + "/password", {{"password", *password}},
                        [&](const auto&) { fmt::print("the password of {} is changed\n", account.address); });
}

void show_accounts(const boost::json::object& answer) {
  Table table({"ADDRESS", "CREATED"});
  for (const auto& row : answer.at("accounts").as_array())
    table.add({text_of(row.as_object(), "address"), text_of(row.as_object(), "created")});
  if (table.empty())
    fmt::print("there are no accounts\n");
  else
    fmt::print("{}", table.text());
}

std::string listed(const boost::json::object& account) {
  std::string names;
  for (const auto& name : account.at("imap_without").as_array()) (names += names.empty() ? "" : ", ") += std::string_view(name.as_string());
  return names.empty() ? "none" : names;
}

void show_account(const boost::json::object& account) {
  fmt::print("address       {}\ncreated       {}\nimap-without  {}\n", text_of(account, "address"), text_of(account, "created"),
             listed(account));
}

boost::json::array names_of(std::string_view list) {
  boost::json::array names;
  if (ascii_lower(trim(list)) == "none") return names;
  if (list.empty()) names.emplace_back("");  // no name at all: a slip, not "none"
  for (const auto word : std::views::split(list, ',')) names.emplace_back(trim(std::string_view(word.begin(), word.end())));
  return names;
}

int set_account(const Options& options, const AccountOptions& account) {
  return call_and_print(options, "PUT", "/v1/accounts/" + encode_segment(account.address),
                        {{"imap_without", names_of(account.imap_without)}}, show_account);
}

// On what is held of an account.
int act_on_held(const Options& options, const AccountOptions& account, const char* what, const char* done) {
  return call_and_print(options, "POST", "/v1/queue/actions",
                        {{"action", what}, {"sender", account.address}, {"held", "yes"}, {"wait", true}},
                        [&](const boost::json::object& answer) { fmt::print("{} {}\n", text_of(answer, "count"), done); });
}

int release_account(const Options& options, const AccountOptions& account) {
  const int done = call_and_print(options, "POST", "/v1/accounts/" + encode_segment(account.address) + "/release", {},
                                  [&](const boost::json::object& answer) {
                                    fmt::print("{} {}\n", account.address, answer.at("was_held").as_bool() ? "may go on" : "was not held");
                                  });
  return done != 0 ? done : act_on_held(options, account, "release", "messages released");
}

}  // namespace

void add_account_command(CLI::App& app, const Options& options, Action& action) {
  auto* command = app.add_subcommand("account", "who may log in");
  command->require_subcommand(1);
  auto account = std::make_shared<AccountOptions>();

  auto* add = command->add_subcommand("add", "make the account ADDRESS");
  add->add_option("ADDRESS", account->address)->required();
  add->add_flag("--password-stdin", account->password_stdin, "the password is the first line of standard input");
  add->callback([&options, &action, account] { action = [&options, account] { return add_account(options, *account); }; });

  auto* list = command->add_subcommand("list", "the accounts");
  list->add_option("DOMAIN", account->domain, "only of this domain");
  list->callback([&options, &action, account] {
    action = [&options, account] {
      const std::string query = account->domain.empty() ? "" : "?domain=" + encode_segment(account->domain);
      return call_and_print(options, "GET", "/v1/accounts" + query, {}, show_accounts);
    };
  });

  auto* show = command->add_subcommand("show", "what is set for ADDRESS");
  show->add_option("ADDRESS", account->address)->required();
  show->callback([&options, &action, account] {
    action = [&options, account] {
      return call_and_print(options, "GET", "/v1/accounts/" + encode_segment(account->address), {}, show_account);
    };
  });

  auto* set = command->add_subcommand("set", "change what is set for ADDRESS");
  set->add_option("ADDRESS", account->address)->required();
  set->add_option("--imap-without", account->imap_without, "CAPABILITY[,CAPABILITY...] to switch off from the next login on, or none")
      ->required();
  set->callback([&options, &action, account] { action = [&options, account] { return set_account(options, *account); }; });

  auto* remove = command->add_subcommand("remove", "remove the account ADDRESS and its mail");
  remove->add_option("ADDRESS", account->address)->required();
  remove->callback([&options, &action, account] {
    action = [&options, account] {
      return call_and_print(options, "DELETE", "/v1/accounts/" + encode_segment(account->address), {},
                            [&](const auto&) { fmt::print("{} removed\n", account->address); });
    };
  });

  auto* release = command->add_subcommand("release", "an account that was held for sending too much may go on, with what was held");
  release->add_option("ADDRESS", account->address)->required();
  release->callback([&options, &action, account] { action = [&options, account] { return release_account(options, *account); }; });

  auto* purge = command->add_subcommand("purge", "throw away what ADDRESS has in the queue on hold; nobody is told");
  purge->add_option("ADDRESS", account->address)->required();
  purge->callback([&options, &action, account] {
    action = [&options, account] {
      return act_on_held(options, *account, "drop", "dropped; its new mail is held on until: godwit account release");
    };
  });

  auto* passwd = command->add_subcommand("passwd", "change the password of ADDRESS");
  passwd->add_option("ADDRESS", account->address)->required();
  passwd->add_flag("--password-stdin", account->password_stdin, "the password is the first line of standard input");
  passwd->callback([&options, &action, account] { action = [&options, account] { return change_password(options, *account); }; });
}

}  // namespace godwit::app
