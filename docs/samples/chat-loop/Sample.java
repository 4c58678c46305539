import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import sun.misc.Signal;

/** A conversation in the terminal. Ctrl-C ends an answer, Ctrl-D the conversation. */
class Sample {
    static final String URL = System.getenv().getOrDefault("HEADGATE_URL", "http://127.0.0.1:8787");
    static final HttpClient CLIENT = HttpClient.newHttpClient();
    static final int TRIES = 4;
    /** The answer that is coming; closing it lets go of the provider. */
    static volatile Stream<String> answering;

    static IOException fault(JsonObject answer) {
        var error = answer.getAsJsonObject("error");
        return new IOException(error.get("code").getAsString() + ": " + error.get("message").getAsString());
    }

    /** Sends a request and returns the lines of the answer; tries again, as Retry-After says, where that can help. */
    static Stream<String> send(String method, String path, String body) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create(URL + path))
                .header("Authorization", "Bearer " + System.getenv("HEADGATE_API_KEY"))
                .header("Content-Type", "application/json")
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                .build();
        for (var attempt = 1; ; attempt++) {
            var response = CLIENT.send(request, BodyHandlers.ofLines());
            var status = response.statusCode();
            if (status < 400) {
                return response.body();
            }
            var refusal = response.body().collect(Collectors.joining());
            var passing = status == 408 || status == 429 || status >= 500;
            var forbidden = response.headers().firstValue("x-should-retry").orElse("").equals("false");
            if (!passing || forbidden || attempt == TRIES) {
                throw fault(JsonParser.parseString(refusal).getAsJsonObject());
            }
            var backoff = 0.5 * Math.pow(2, attempt) * (0.75 + Math.random() / 4);
            var seconds = response.headers().firstValue("Retry-After").map(Double::valueOf).orElse(backoff);
            Thread.sleep((long) (seconds * 1000));
        }
    }

    /** What is spent of the key's budget, in words. */
    static String budget() throws IOException, InterruptedException {
        try (var lines = send("GET", "/v1/usage?limit=1", null)) {
            var usage = JsonParser.parseString(lines.collect(Collectors.joining())).getAsJsonObject();
            if (usage.get("budget").isJsonNull()) {
                return "";
            }
            var budget = usage.getAsJsonObject("budget");
            return "; " + budget.get("spent_usd").getAsString() + " of " + budget.get("limit_usd").getAsString()
                    + " USD spent";
        }
    }

    /** Prints one part of a stream and returns its text. */
    static String show(JsonObject part) throws IOException {
        if (part.has("error")) {
            throw fault(part);
        }
        var text = new StringBuilder();
        for (var choice : part.getAsJsonArray("choices")) {
            var delta = choice.getAsJsonObject().getAsJsonObject("delta");
            text.append(delta.has("content") ? delta.get("content").getAsString() : "");
        }
        System.out.print(text);
        if (part.has("usage")) {
            System.out.printf("%n[%d tokens, %s USD", part.getAsJsonObject("usage").get("total_tokens").getAsInt(),
                    part.getAsJsonObject("headgate").get("cost_usd").getAsString());
        }
        return text.toString();
    }

    /** Shows an answer as it comes and returns it; throws when it is not whole. */
    static String answer(JsonArray messages) throws IOException, InterruptedException {
        var body = JsonParser.parseString("""
                {"model": "demo", "stream": true, "stream_options": {"include_usage": true}}""").getAsJsonObject();
        body.add("messages", messages);
        var text = new StringBuilder();
        try (var lines = send("POST", "/v1/chat/completions", body.toString())) {
            answering = lines;
            for (var line : (Iterable<String>) lines::iterator) {
                if (line.equals("data: [DONE]")) {
                    System.out.println(budget() + "]");
                    return text.toString();
                }
                if (line.startsWith("data: ")) {
                    text.append(show(JsonParser.parseString(line.substring(6)).getAsJsonObject()));
                }
            }
            throw new IOException("the stream was cut");
        } finally {
            answering = null;
        }
    }

    static JsonObject message(String role, String content) {
        var message = new JsonObject();
        message.addProperty("role", role);
        message.addProperty("content", content);
        return message;
    }

    public static void main(String[] arguments) throws Exception {
        Signal.handle(new Signal("INT"), signal -> {
            var lines = answering;
            if (lines == null) {
                System.exit(130);
            }
            lines.close();
        });
        var input = new BufferedReader(new InputStreamReader(System.in));
        var messages = new JsonArray();
        System.out.print("You: ");
        for (var question = input.readLine(); question != null; question = input.readLine()) {
            messages.add(message("user", question));
            System.out.print("Model: ");
            try {
                messages.add(message("assistant", answer(messages)));
            } catch (IOException | UncheckedIOException fault) {
                messages.remove(messages.size() - 1);
                System.out.println("\n[no whole answer: " + fault.getMessage() + "]");
            }
            System.out.print("You: ");
        }
        System.out.println();
    }
}
