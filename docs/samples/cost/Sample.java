import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.UUID;

class Sample {
    static final String URL = System.getenv().getOrDefault("HEADGATE_URL", "http://127.0.0.1:8787");
    static final HttpClient CLIENT = HttpClient.newHttpClient();

    /** Sends a request and returns the answer; throws the error of the answer. */
    static JsonObject call(String method, String path, String body) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create(URL + path))
                .header("Authorization", "Bearer " + System.getenv("HEADGATE_API_KEY"))
                .header("Content-Type", "application/json")
                .header("x-request-id", method.equals("POST") ? ID : UUID.randomUUID().toString())
                .timeout(Duration.ofMinutes(2))
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                .build();
        var response = CLIENT.send(request, BodyHandlers.ofString());
        var answer = JsonParser.parseString(response.body()).getAsJsonObject();
        if (response.statusCode() >= 400) {
            var error = answer.getAsJsonObject("error");
            throw new IOException(error.get("code").getAsString() + ": " + error.get("message").getAsString());
        }
        return answer;
    }

    // An id of your own finds the call again; without it, take x-request-id from the answer.
    static final String ID = UUID.randomUUID().toString();

    public static void main(String[] arguments) throws Exception {
        call("POST", "/v1/chat/completions", """
                {"model": "demo", "messages": [{"role": "user", "content": "What do you cost?"}]}""");

        var usage = call("GET", "/v1/usage/" + ID, null);
        System.out.printf("%s USD for %d tokens in and %d out (%s)%n", usage.get("cost_usd").getAsString(),
                usage.get("input_tokens").getAsInt(), usage.get("output_tokens").getAsInt(),
                usage.get("outcome").getAsString());

        var list = call("GET", "/v1/usage?limit=1", null);
        var totals = list.getAsJsonObject("totals");
        System.out.printf("%d calls, %s USD in all%n", totals.get("requests").getAsInt(),
                totals.get("cost_usd").getAsString());
        if (list.get("budget").isJsonNull()) {
            System.out.println("no budget");
        } else {
            var budget = list.getAsJsonObject("budget");
            System.out.printf("%s of %s USD of the budget spent%n", budget.get("spent_usd").getAsString(),
                    budget.get("limit_usd").getAsString());
        }
    }
}
