# Every target is one line: the work is done by platform/stack, in .venv, with the same words.
KAIROS = python3 platform/stack/bootstrap.py

.PHONY: demo start dev workspace manage test lint format bench screenshots clean
.NOTPARALLEL:

demo:           ## the stack with two demo shops and live traffic
	@$(KAIROS) demo
start:          ## the stack without demo data
	@$(KAIROS) start
dev:            ## the stack with live reload
	@$(KAIROS) dev
workspace:      ## NAME="My shop": a workspace with its keys, as JSON
	@$(KAIROS) manage create_workspace "$$NAME" $(ARGS)
manage:         ## ARGS="...": any manage.py command against the stack
	@$(KAIROS) manage $(ARGS)
test:           ## ARGS="tests/stack -k port": all tests, or those
	@$(KAIROS) test $(ARGS)
lint:           ## ruff, djangofmt, mypy --strict, import contracts
	@$(KAIROS) lint
format:         ## formats the code
	@$(KAIROS) format
bench:          ## ONLY=B1 SCALE=small: speed against limits measured beside it
	@$(KAIROS) bench
screenshots:    ## the pictures of README and docs, from a demo of its own
	@$(KAIROS) screenshots
clean:          ## forgets all data in .local/
	@$(KAIROS) clean
