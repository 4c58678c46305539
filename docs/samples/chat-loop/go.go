// A conversation in the terminal. Ctrl-C ends an answer, Ctrl-D the conversation.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

type object = map[string]any

type failure struct{ Code, Message string }

func (f *failure) Error() string { return f.Code + ": " + f.Message }

// send sends a request and returns the answer once it is good; it tries again, as Retry-After says, where that can help.
func send(ctx context.Context, method, path string, body any) (io.ReadCloser, error) {
	url := os.Getenv("HEADGATE_URL")
	if url == "" {
		url = "http://127.0.0.1:8787"
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		request, err := http.NewRequestWithContext(ctx, method, url+path, bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", "Bearer "+os.Getenv("HEADGATE_API_KEY"))
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return nil, err
		}
		if response.StatusCode < 400 {
			return response.Body, nil
		}
		var refusal struct{ Error *failure }
		err = json.NewDecoder(response.Body).Decode(&refusal)
		response.Body.Close()
		if err != nil {
			return nil, err
		}
		passing := response.StatusCode == 408 || response.StatusCode == 429 || response.StatusCode >= 500
		if !passing || attempt == 4 || response.Header.Get("x-should-retry") == "false" {
			return nil, refusal.Error
		}
		seconds, err := strconv.ParseFloat(response.Header.Get("Retry-After"), 64)
		if err != nil {
			seconds = 0.5 * math.Pow(2, float64(attempt)) * (0.75 + rand.Float64()/4)
		}
		select {
		case <-time.After(time.Duration(seconds * float64(time.Second))):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// budget says what is spent of the key's budget, in words.
func budget(ctx context.Context) (string, error) {
	body, err := send(ctx, "GET", "/v1/usage?limit=1", nil)
	if err != nil {
		return "", err
	}
	defer body.Close()
	var usage struct {
		Budget *struct {
			LimitUSD string `json:"limit_usd"`
			SpentUSD string `json:"spent_usd"`
		}
	}
	if err := json.NewDecoder(body).Decode(&usage); err != nil || usage.Budget == nil {
		return "", err
	}
	return fmt.Sprintf("; %s of %s USD spent", usage.Budget.SpentUSD, usage.Budget.LimitUSD), nil
}

// show prints one part of a stream and returns its text.
func show(data string) (string, error) {
	var part struct {
		Choices []struct {
			Delta struct{ Content string }
		}
		Usage *struct {
			TotalTokens int `json:"total_tokens"`
		}
		Headgate struct {
			CostUSD string `json:"cost_usd"`
		}
		Error *failure
	}
	if err := json.Unmarshal([]byte(data), &part); err != nil {
		return "", err
	}
	if part.Error != nil {
		return "", part.Error
	}
	text := ""
	for _, choice := range part.Choices {
		text += choice.Delta.Content
	}
	fmt.Print(text)
	if part.Usage != nil {
		fmt.Printf("\n[%d tokens, %s USD", part.Usage.TotalTokens, part.Headgate.CostUSD)
	}
	return text, nil
}

// answer shows an answer as it comes and returns it; it fails when the answer is not whole.
func answer(ctx context.Context, messages []object) (string, error) {
	body, err := send(ctx, "POST", "/v1/chat/completions", object{
		"model":          "demo",
		"messages":       messages,
		"stream":         true,
		"stream_options": object{"include_usage": true},
	})
	if err != nil {
		return "", err
	}
	defer body.Close()
	text := ""
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if lines.Text() == "data: [DONE]" {
			spent, err := budget(ctx)
			fmt.Println(spent + "]")
			return text, err
		}
		if strings.HasPrefix(lines.Text(), "data: ") {
			more, err := show(strings.TrimPrefix(lines.Text(), "data: "))
			if err != nil {
				return "", err
			}
			text += more
		}
	}
	if err := lines.Err(); err != nil {
		return "", err
	}
	return "", errors.New("the stream was cut")
}

func main() {
	var messages []object
	input := bufio.NewScanner(os.Stdin)
	for fmt.Print("You: "); input.Scan(); fmt.Print("You: ") {
		asked := append(messages, object{"role": "user", "content": input.Text()})
		fmt.Print("Model: ")
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		text, err := answer(ctx, asked)
		stop()
		if err != nil {
			fmt.Printf("\n[no whole answer: %v]\n", err)
			continue
		}
		messages = append(asked, object{"role": "assistant", "content": text})
	}
	fmt.Println()
}
