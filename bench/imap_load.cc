// A load of IMAP commands that costs little itself, so that a rate tells of the server: so many clients at once, a thread each, a command
// after the answer to the one before. imap.py runs it and reads its line.
//
//   imap_load PORT USER PASSWORD CLIENTS SECONDS append FILE    APPEND INBOX of the messages in FILE (each: its length in decimal, LF, bytes)
//   imap_load PORT USER PASSWORD CLIENTS SECONDS store          STORE of one flag in INBOX, which has 50 messages
//   imap_load PORT USER PASSWORD CLIENTS SECONDS fetch COUNT    FETCH of one whole message of so many in the mailbox Big of the first user
//   imap_load PORT USER PASSWORD CLIENTS SECONDS login          login, SELECT, LOGOUT
//
// USER holds a %d: the number of the client. Prints how many commands were answered, and the seconds that took.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
  std::uint16_t port = 0;
  std::string user;
  std::string password;
  int clients = 0;
  double seconds = 0;
  std::string work;
  std::string detail;
};

class Client {
 public:
  explicit Client(const Arguments& arguments, int number) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(arguments.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) throw std::runtime_error("cannot connect");
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    read_some();  // the greeting
    std::string user = arguments.user;
    if (const std::size_t at = user.find("%d"); at != std::string::npos) user.replace(at, 2, std::to_string(number));
    run("LOGIN " + user + " " + arguments.password);
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // No line of the mail begins with the tag.
  void run(const std::string& command) {
    const std::string line = "zq9 " + command + "\r\n";
    for (std::size_t sent = 0; sent < line.size();) {
      const ssize_t now = ::send(socket_, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
      if (now <= 0) throw std::runtime_error("connection lost in " + command.substr(0, 40));
      sent += static_cast<std::size_t>(now);
    }
    std::string tail = "\r\n";
    for (;;) {
      tail += read_some();
      if (tail.size() > 2'000) tail.erase(0, tail.size() - 1'000);
      const std::size_t at = tail.rfind("\r\nzq9 ");
      if (at == std::string::npos || !tail.ends_with("\r\n") || tail.find("\r\n", at + 2) != tail.size() - 2) continue;
      if (tail.compare(at + 6, 2, "OK") != 0) throw std::runtime_error(command.substr(0, 60) + ": " + tail.substr(at + 2));
      return;
    }
  }

 private:
  std::string_view read_some() {
    const ssize_t size = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
    if (size <= 0) throw std::runtime_error("connection lost");
    return {buffer_.data(), static_cast<std::size_t>(size)};
  }

  int socket_ = -1;
  std::vector<char> buffer_ = std::vector<char>(1 << 16);
};

std::vector<std::string> read_messages(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<std::string> out;
  for (std::string length; std::getline(in, length);) {
    std::string text(std::stoul(length), '\0');
    if (!in.read(text.data(), static_cast<std::streamsize>(text.size()))) throw std::runtime_error(path + " ends early");
    out.push_back(std::move(text));
  }
  if (out.empty()) throw std::runtime_error(path + " holds no message");
  return out;
}

long append(const Arguments& arguments, int number, Clock::time_point until) {
  const auto messages = read_messages(arguments.detail);
  Client client(arguments, number);
  long done = 0;
  for (; Clock::now() < until; ++done) {
    const std::string& text = messages[static_cast<std::size_t>(done) % messages.size()];
    client.run("APPEND INBOX {" + std::to_string(text.size()) + "+}\r\n" + text);
  }
  return done;
}

long store(const Arguments& arguments, int number, Clock::time_point until) {
  Client client(arguments, number);
  client.run("SELECT INBOX");
  long done = 0;
  for (; Clock::now() < until; ++done) client.run("STORE " + std::to_string(done % 50 + 1) + (done / 50 % 2 == 0 ? " +" : " -") + "FLAGS (\\Seen)");
  return done;
}

long fetch(const Arguments& arguments, int number, Clock::time_point until) {
  Client client(arguments, 0);
  client.run("EXAMINE Big");
  std::minstd_rand random(static_cast<unsigned>(number + 1));
  std::uniform_int_distribution<int> any(1, std::stoi(arguments.detail));
  long done = 0;
  for (; Clock::now() < until; ++done) client.run("FETCH " + std::to_string(any(random)) + " (FLAGS BODY.PEEK[])");
  return done;
}

long log_in(const Arguments& arguments, int number, Clock::time_point until) {
  long done = 0;
  for (; Clock::now() < until; ++done) {
    Client client(arguments, number);
    client.run("SELECT INBOX");
    client.run("LOGOUT");
  }
  return done;
}

int run(const Arguments& arguments) {
  const std::vector<std::pair<std::string, decltype(&append)>> works{{"append", append}, {"store", store}, {"fetch", fetch}, {"login", log_in}};
  decltype(&append) work = nullptr;
  for (const auto& [name, function] : works) {
    if (name == arguments.work) work = function;
  }
  if (work == nullptr) throw std::runtime_error("there is no work '" + arguments.work + "'");
  std::vector<long> done(static_cast<std::size_t>(arguments.clients));
  std::vector<std::string> errors(done.size());
  const auto begin = Clock::now();
  const auto until = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(arguments.seconds));
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < done.size(); ++i) {
      threads.emplace_back([&, i] {
        try {
          done[i] = work(arguments, static_cast<int>(i), until);
        } catch (const std::exception& error) {
          errors[i] = error.what();
        }
      });
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  long all = 0;
  for (std::size_t i = 0; i < done.size(); ++i) {
    if (!errors[i].empty()) throw std::runtime_error(errors[i]);
    all += done[i];
  }
  std::printf("%ld %.6f\n", all, seconds);
  return 0;
}

}  // namespace

int main(int count, char** values) {
  if (count < 7) {
    std::fprintf(stderr, "usage: imap_load PORT USER PASSWORD CLIENTS SECONDS append FILE | store | fetch COUNT | login\n");
    return 2;
  }
  try {
    return run({static_cast<std::uint16_t>(std::stoi(values[1])), values[2], values[3], std::stoi(values[4]), std::stod(values[5]), values[6],
                count > 7 ? values[7] : ""});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "imap_load: %s\n", error.what());
    return 1;
  }
}
